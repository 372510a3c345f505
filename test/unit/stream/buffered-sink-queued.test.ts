import { describe, expect, it } from "vitest";
import { FlushScheduler } from "../../../src/realtime/delivery/flush-scheduler.ts";
import { frame, SinkUnderTest } from "../../support/sink-under-test.ts";

describe("a sink reports queued chunks", () => {
  it("in the stream and in its queue, until they are written", async () => {
    const test = new SinkUnderTest(100_000);
    for (const size of [5000, 2000, 3000]) test.sink.write(frame(size));
    const sizes = () => test.queued.map(({ length }) => length);
    expect(sizes().toSorted()).toEqual([2000, 3000, 5000]);
    await test.take();
    // The two of the queue are one chunk now.
    expect(sizes()).toEqual([5000]);
    await test.takeAll();
    expect(sizes()).toEqual([]);
  });

  it("but not a small chunk that is the only one", async () => {
    const test = new SinkUnderTest(100_000);
    test.sink.write(frame(100));
    expect(test.queued).toEqual([]);
    test.sink.write(frame(100));
    expect(test.queued).toHaveLength(1);
    await test.takeAll();
    expect(test.queued).toEqual([]);
  });
});

it("a sink over its limit does not wait for frames of further turns", () => {
  const ends: (() => void)[] = [];
  const scheduler = new FlushScheduler({ runAtEndOfTurn: (run) => ends.push(run), now: () => 0 });
  const endTurn = () => {
    for (const end of ends.splice(0)) end();
  };
  for (let n = 0; n < 100; n++) scheduler.add({ flush: () => {} });
  const test = new SinkUnderTest(1000, 0, scheduler);
  test.sink.write(frame(600));
  endTurn();
  expect(test.sizes).toEqual([]);
  test.sink.write(frame(600));
  endTurn();
  expect(test.sizes).toEqual([1200]);
});
