import { describe, expect, it, vi } from "vitest";
import { TimeSlicer } from "../../../../src/realtime/replay/time-slicer.ts";
import { eventually } from "../../../support/deadline.ts";

/** Keeps the event loop busy for as long as a page of a replay may. */
function work(milliseconds: number): void {
  for (const end = Date.now() + milliseconds; Date.now() < end; );
}

describe("a time slicer", () => {
  it("runs tasks in a later turn of the event loop, in the order in which they were added", async () => {
    const slicer = new TimeSlicer();
    const done: number[] = [];
    for (const task of [1, 2, 3]) slicer.add(() => done.push(task));
    await Promise.resolve();
    expect(done).toEqual([]);
    await eventually(() => done.length === 3, "all three are done");
    expect(done).toEqual([1, 2, 3]);
    slicer.add(() => done.push(4));
    await eventually(() => done.length === 4, "a later one is done");
  });

  it("lets other work run between tasks that take long", async () => {
    const slicer = new TimeSlicer();
    let done = 0;
    let before = -1;
    for (let task = 0; task < 20; task++) {
      slicer.add(() => {
        work(3);
        done += 1;
      });
    }
    const others = setInterval(() => {
      if (before === -1 && done > 0) before = done;
    });
    await eventually(() => done === 20, "all are done");
    clearInterval(others);
    expect(before).toBeLessThan(20);
    expect(before).toBeGreaterThan(0);
  });

  it("runs a task that is added again after the tasks that wait already", async () => {
    const slicer = new TimeSlicer();
    const done: string[] = [];
    const again = (name: string, times: number) => () => {
      done.push(name);
      if (times > 1) slicer.add(again(name, times - 1));
    };
    slicer.add(again("a", 3));
    slicer.add(again("b", 3));
    await eventually(() => done.length === 6, "both have had three");
    expect(done.join("")).toBe("ababab");
  });

  it("ends a turn with the tasks that were queued at its start when the clock stands still", async () => {
    const clock = vi.spyOn(performance, "now").mockReturnValue(1);
    try {
      const slicer = new TimeSlicer();
      let [done, others] = [0, 0];
      const again = () => {
        done += 1;
        if (done < 1000 && others === 0) slicer.add(again);
      };
      slicer.add(again);
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          others += 1;
          resolve();
        });
      });
      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThan(1000);
    } finally {
      clock.mockRestore();
    }
  });

  it("continues after a task that throws", () => {
    const timers: (() => void)[] = [];
    const { setTimeout } = globalThis;
    globalThis.setTimeout = ((run: () => void) => timers.push(run)) as unknown as typeof setTimeout;
    try {
      const slicer = new TimeSlicer();
      const done: number[] = [];
      slicer.add(() => {
        throw new Error("on purpose");
      });
      slicer.add(() => done.push(2));
      expect(timers).toHaveLength(1);
      expect(() => timers[0]?.()).toThrow("on purpose");
      timers[1]?.();
      expect(done).toEqual([2]);
      expect(timers).toHaveLength(2);
    } finally {
      globalThis.setTimeout = setTimeout;
    }
  });
});
