import { describe, expect, it } from "vitest";
import { FlushScheduler } from "../../../../src/realtime/delivery/flush-scheduler.ts";

const FRAME = new Uint8Array([1]);
const OTHER = new Uint8Array([2]);

/** A scheduler with a loop of turns and a clock that the test moves. */
function openLoop({ hasClock = true } = {}) {
  const ends: (() => void)[] = [];
  let time = 0;
  const scheduler = new FlushScheduler({
    runAtEndOfTurn: (run) => void ends.push(run),
    ...(hasClock && { now: () => time }),
  });
  let flushed = 0;
  const flush = () => {
    flushed += 1;
  };
  const sink = { flush };
  return {
    scheduler,
    ends,
    get flushed() {
      return flushed;
    },
    /** Adds sinks that get a frame. */
    add: (count: number, frame = FRAME) => {
      for (let n = 0; n < count; n++) {
        scheduler.emptyBatch.append(frame);
        scheduler.add(sink);
      }
    },
    /** Gives sinks that wait already a further frame. */
    append: (frame: Uint8Array) => void scheduler.emptyBatch.append(FRAME).append(frame),
    endTurn: (elapsed = 0) => {
      time += elapsed;
      for (const end of ends.splice(0)) end();
    },
  };
}

describe("a flush", () => {
  it("runs once for each sink at the end of the turn, and the next batch starts empty", () => {
    const loop = openLoop();
    const { emptyBatch } = loop.scheduler;
    loop.add(2);
    expect([loop.ends.length, loop.flushed]).toEqual([1, 0]);
    loop.endTurn();
    expect(loop.flushed).toBe(2);
    expect(loop.scheduler.emptyBatch).not.toBe(emptyBatch);
    loop.add(1);
    loop.endTurn();
    expect(loop.flushed).toBe(3);
  });

  it("leaves sinks that are added while it runs to the next flush", () => {
    const loop = openLoop();
    loop.scheduler.add({ flush: () => loop.add(1) });
    loop.endTurn();
    expect(loop.flushed).toBe(0);
    loop.endTurn();
    expect(loop.flushed).toBe(1);
  });

  it("of many sinks runs after the first turn without a further frame", () => {
    const loop = openLoop();
    loop.add(100);
    loop.endTurn();
    loop.append(OTHER);
    loop.endTurn();
    expect(loop.flushed).toBe(0);
    loop.endTurn();
    expect([loop.flushed, loop.ends.length]).toEqual([100, 0]);
  });

  it("of fewer sinks waits for no further turn", () => {
    const loop = openLoop();
    loop.add(99);
    loop.endTurn();
    expect(loop.flushed).toBe(99);
  });

  it("of many sinks waits for no further turn without a clock", () => {
    const loop = openLoop({ hasClock: false });
    loop.add(1000);
    loop.endTurn();
    expect(loop.flushed).toBe(1000);
  });

  it.each([
    [200, 1],
    [1000, 5],
    [100_000, 10],
  ])("of %d sinks waits at most %d ms while every turn brings a frame", (sinks, most) => {
    const loop = openLoop();
    loop.add(sinks);
    loop.endTurn();
    for (let time = 0.5; time < most; time += 0.5) {
      loop.append(new Uint8Array([time]));
      loop.endTurn(0.5);
      expect(loop.flushed).toBe(0);
    }
    loop.append(OTHER);
    loop.endTurn(0.5);
    expect(loop.flushed).toBe(sinks);
  });

  it("of many sinks waits no longer when a sink has exceeded its limit", () => {
    const loop = openLoop();
    loop.add(100);
    loop.endTurn();
    loop.append(OTHER);
    loop.scheduler.endWait();
    expect(loop.flushed).toBe(0);
    loop.endTurn();
    expect(loop.flushed).toBe(100);
    loop.add(100);
    loop.endTurn();
    expect(loop.flushed).toBe(100);
  });

  it("that is called while another waits flushes all, and the turn that was waited for flushes what came later", () => {
    const loop = openLoop();
    loop.add(100);
    loop.endTurn();
    loop.scheduler.flush();
    expect(loop.flushed).toBe(100);
    loop.add(1);
    loop.endTurn();
    expect([loop.flushed, loop.ends.length]).toEqual([101, 0]);
  });

  it("is due at once when the frames have more than 8 MiB", () => {
    const loop = openLoop();
    loop.add(1, new Uint8Array(8 * 1024 * 1024));
    expect(loop.scheduler.isFull).toBe(false);
    loop.append(OTHER);
    expect(loop.scheduler.isFull).toBe(true);
    loop.scheduler.flush();
    expect(loop.scheduler.isFull).toBe(false);
  });
});
