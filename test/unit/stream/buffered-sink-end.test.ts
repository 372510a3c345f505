import { describe, expect, it } from "vitest";
import { within } from "../../support/deadline.ts";
import { frame, microtasks, SinkUnderTest, turn } from "../../support/sink-under-test.ts";

describe("closing a sink", () => {
  it("reports the first reason to its listener, and refuses frames from then on", () => {
    const test = new SinkUnderTest();
    test.sink.close("slow");
    test.sink.close("client");
    expect(test.reasons).toEqual(["slow"]);
    expect(test.sink.write(frame(1))).toBe(false);
    expect(test.chunks).toEqual([]);
  });

  it("is not closed by itself", async () => {
    const test = new SinkUnderTest();
    test.sink.write(frame(1));
    await test.takeAll();
    await turn();
    expect(test.reasons).toEqual([]);
  });

  it("keeps what was accepted before on its way", async () => {
    const test = new SinkUnderTest();
    for (const value of [1, 2, 3]) test.sink.write(frame(1, value));
    test.sink.close("shutdown");
    await test.takeAll();
    expect(test.bytes).toEqual([1, 2, 3]);
  });
});

describe("finishing a sink", () => {
  /** Whether a promise has settled. */
  async function isDone(promise: Promise<void>): Promise<boolean> {
    let done = false;
    void promise.then(() => {
      done = true;
    });
    await microtasks();
    return done;
  }

  it("waits until the stream has taken everything, a last frame too", async () => {
    const test = new SinkUnderTest();
    test.sink.write(frame(1, 1));
    test.sink.write(frame(1, 2));
    test.sink.close("shutdown");
    const finished = test.sink.finish(frame(1, 3));
    expect(await isDone(finished)).toBe(false);
    await test.take();
    expect(await isDone(finished)).toBe(false);
    expect(test.bytes).toEqual([1, 2, 3]);
    await test.take();
    expect(await isDone(finished)).toBe(true);
  });

  it("writes a last frame when nothing waits", async () => {
    const test = new SinkUnderTest();
    test.sink.close("shutdown");
    const finished = test.sink.finish(frame(1, 9));
    expect(test.bytes).toEqual([9]);
    expect(await isDone(finished)).toBe(false);
    await test.take();
    await within(finished, 1000, "it finishes");
  });

  it("has nothing to wait for when nothing waits", async () => {
    const test = new SinkUnderTest();
    await within(test.sink.finish(undefined), 1000, "it finishes");
    test.sink.write(frame(1));
    await test.takeAll();
    await within(test.sink.finish(undefined), 1000, "it finishes again");
    expect(test.chunks).toHaveLength(1);
  });

  it("may be waited for by several", async () => {
    const test = new SinkUnderTest();
    test.sink.write(frame(1));
    const all = Promise.all([test.sink.finish(undefined), test.sink.finish(undefined)]);
    await test.takeAll();
    await within(all, 1000, "all finish");
  });
});

describe("discarding", () => {
  it("lets go of what waits, and ends with the chunk that is on its way", async () => {
    const test = new SinkUnderTest();
    test.sink.write(frame(10, 1));
    test.sink.write(frame(10, 2));
    test.sink.close("slow");
    const finished = test.sink.finish(undefined);
    test.sink.destroy();
    await test.takeAll();
    await within(finished, 1000, "it finishes");
    expect(test.sizes).toEqual([10]);
    expect(test.sink.bufferedBytes).toBe(0);
    expect(test.sink.stalledFor).toBe(0);
  });
});
