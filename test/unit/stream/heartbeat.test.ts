import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { IntervalHeartbeat, SharedHeartbeat } from "../../../src/stream/heartbeat.ts";

/** A clock of the test's own, in steps. Vitest's has more than Bun's test runner knows. */
function clock() {
  const timers = new Map<number, { run: () => void; every: number; due: number }>();
  let now = 0;
  let ids = 0;
  vi.spyOn(globalThis, "setInterval").mockImplementation(((run: () => void, every: number) => {
    ids += 1;
    timers.set(ids, { run, every, due: now + every });
    return ids;
  }) as never);
  vi.spyOn(globalThis, "clearInterval").mockImplementation(((id: number) => {
    timers.delete(id);
  }) as never);
  return {
    timers,
    pass: (milliseconds: number) => {
      for (const end = now + milliseconds; now < end; now += 1) {
        for (const timer of [...timers.values()]) {
          if (now + 1 < timer.due) continue;
          timer.due += timer.every;
          timer.run();
        }
      }
    },
    now: () => now,
  };
}

let time: ReturnType<typeof clock>;
beforeEach(() => {
  time = clock();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("SharedHeartbeat", () => {
  it("calls each listener once in an interval, first after at least three quarters of it", () => {
    const heartbeat = new SharedHeartbeat(3000);
    const calls: number[][] = [];
    for (let n = 0; n < 100; n++) {
      const own: number[] = [];
      calls.push(own);
      const since = time.now();
      heartbeat.add({ onHeartbeat: () => own.push(time.now() - since) });
      time.pass(37);
    }
    time.pass(12_000);
    for (const [first = 0, ...rest] of calls) {
      expect(first).toBeGreaterThan(3000 * 0.7);
      expect(first).toBeLessThanOrEqual(3000);
      expect(rest.length).toBeGreaterThan(2);
      rest.reduce((before, at) => {
        expect(at - before).toBeGreaterThan(2990);
        expect(at - before).toBeLessThan(3010);
        return at;
      }, first);
    }
  });

  it("spreads listeners that are added together over a quarter of the interval", () => {
    const heartbeat = new SharedHeartbeat(6400);
    const callsAt = new Map<number, number>();
    for (let n = 0; n < 1600; n++) {
      heartbeat.add({
        onHeartbeat: () => callsAt.set(time.now(), (callsAt.get(time.now()) ?? 0) + 1),
      });
    }
    time.pass(6500);
    expect(callsAt.size).toBe(16);
    expect(Math.max(...callsAt.values())).toBe(100);
  });

  it("has one timer for all listeners, and no timer without listeners", () => {
    const heartbeat = new SharedHeartbeat(1000);
    const onHeartbeat = vi.fn();
    const all = Array.from({ length: 1000 }, () => ({ onHeartbeat }));
    const added = all.map((one) => ({ one, handle: heartbeat.add(one) }));
    expect(time.timers.size).toBe(1);
    for (const { one, handle } of [...added, ...added]) heartbeat.remove(one, handle);
    expect(time.timers.size).toBe(0);
    time.pass(2000);
    expect(onHeartbeat).not.toHaveBeenCalled();
    heartbeat.add({ onHeartbeat });
    time.pass(1000);
    expect(onHeartbeat).toHaveBeenCalledTimes(1);
  });

  it("works with a very short interval", () => {
    const onHeartbeat = vi.fn();
    new SharedHeartbeat(5).add({ onHeartbeat });
    time.pass(50);
    expect(onHeartbeat).toHaveBeenCalledTimes(10);
  });
});

describe("IntervalHeartbeat", () => {
  it("has a timer for each listener", () => {
    const heartbeat = new IntervalHeartbeat(100);
    const onHeartbeat = vi.fn();
    const [one, other] = [{ onHeartbeat }, { onHeartbeat: () => {} }];
    const handles = [heartbeat.add(one), heartbeat.add(other)] as const;
    expect(time.timers.size).toBe(2);
    time.pass(300);
    heartbeat.remove(one, handles[0]);
    heartbeat.remove(other, handles[1]);
    time.pass(300);
    expect(onHeartbeat).toHaveBeenCalledTimes(3);
  });
});
