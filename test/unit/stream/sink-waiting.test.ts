import { describe, expect, it } from "vitest";
import { frame, SinkUnderTest } from "../../support/sink-under-test.ts";

describe("a sink tells what waits", () => {
  it("in the stream and in its queue, until it has been taken", async () => {
    const test = new SinkUnderTest(100_000);
    for (const size of [5000, 2000, 3000]) test.sink.write(frame(size));
    const held = () => test.held.map(({ length }) => length);
    expect(held().toSorted()).toEqual([2000, 3000, 5000]);
    await test.take();
    // The two of the queue are one chunk now.
    expect(held()).toEqual([5000]);
    await test.takeAll();
    expect(held()).toEqual([]);
  });

  it("but not a small chunk that waits alone", async () => {
    const test = new SinkUnderTest(100_000);
    test.sink.write(frame(100));
    expect(test.held).toEqual([]);
    test.sink.write(frame(100));
    expect(test.held).toHaveLength(1);
    await test.takeAll();
    expect(test.held).toEqual([]);
  });
});
