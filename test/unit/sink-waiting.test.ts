import { describe, expect, it } from "vitest";
import { frame, SinkUnderTest } from "./sink-under-test.ts";

describe("a sink tells what waits", () => {
  it("in the stream and in its queue, until it has been taken", async () => {
    const test = new SinkUnderTest(100_000);
    for (const size of [10, 20, 30]) test.sink.write(frame(size));
    const held = () => test.held.map(({ length }) => length).toSorted();
    expect(held()).toEqual([10, 20, 30]);
    await test.take();
    // The two of the queue are one chunk now.
    expect(held()).toEqual([50]);
    await test.takeAll();
    expect(held()).toEqual([]);
  });
});
