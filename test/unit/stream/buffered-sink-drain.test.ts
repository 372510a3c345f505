import { describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import { frame, SinkUnderTest, turn } from "../../support/sink-under-test.ts";

/** A sink, and how often it has called the callback of `onDrain`. */
function watched(maxBufferedBytes = 1000) {
  const test = new SinkUnderTest(maxBufferedBytes);
  const drained = { count: 0 };
  const listen = () =>
    test.sink.onDrain(() => {
      drained.count += 1;
    });
  return { test, drained, listen };
}

describe("BufferedSink.onDrain", () => {
  it("calls back at once when nothing is queued", async () => {
    const { drained, listen } = watched();
    listen();
    expect(drained.count).toBe(1);
    await turn();
    expect(drained.count).toBe(1);
  });

  it("calls back when the stream has taken everything that was written, and not before", async () => {
    const { test, drained, listen } = watched();
    for (const value of [1, 2, 3]) test.sink.write(frame(10, value));
    listen();
    await turn();
    expect(drained.count).toBe(0);
    await test.take();
    await turn();
    // Two of the three wait still, in one chunk.
    expect(drained.count).toBe(0);
    await test.take();
    await eventually(() => drained.count > 0, "the callback is called");
    expect(test.sink.bufferedBytes).toBe(0);
  });

  it("calls back once, however much is written afterwards", async () => {
    const { test, drained, listen } = watched();
    test.sink.write(frame(1));
    listen();
    await test.takeAll();
    await eventually(() => drained.count > 0, "the callback is called");
    test.sink.write(frame(1));
    await test.takeAll();
    await turn();
    expect(drained.count).toBe(1);
  });

  it("calls every callback", async () => {
    const { test, drained, listen } = watched();
    test.sink.write(frame(1));
    listen();
    listen();
    await test.takeAll();
    await eventually(() => drained.count === 2, "both are called");
    listen();
    await eventually(() => drained.count === 3, "the later one is called");
  });

  it("accepts a write and another callback from within a callback: a page, and the next", async () => {
    const test = new SinkUnderTest();
    let pages = 0;
    const next = () => {
      if (pages === 5) return;
      pages += 1;
      test.sink.write(frame(10, pages));
      test.sink.onDrain(next);
    };
    next();
    for (let page = 1; page <= 5; page += 1) {
      await eventually(() => test.chunks.length === page, `page ${page} is written`);
      await turn();
      expect(test.chunks).toHaveLength(page);
      await test.take();
    }
    expect(test.overflows).toBe(0);
  });

  it("never calls back after the sink was closed, whether anything was queued or not", async () => {
    const waiting = watched();
    waiting.test.sink.write(frame(1));
    waiting.listen();
    const idle = watched();
    for (const { test } of [waiting, idle]) test.sink.close("client");
    idle.listen();
    await waiting.test.takeAll();
    waiting.listen();
    await turn();
    await turn();
    expect(waiting.drained.count).toBe(0);
    expect(idle.drained.count).toBe(0);
  });
});

describe("a single frame that is larger than a sink's limit", () => {
  it("is no overflow while it is being written alone, however long that takes", async () => {
    const { test } = watched(1000);
    expect(test.sink.write(frame(50_000))).toBe(true);
    await turn();
    await turn();
    expect(test.overflows).toBe(0);
    await test.take();
    expect(test.sink.bufferedBytes).toBe(0);
    await turn();
    expect(test.overflows).toBe(0);
  });

  it("is an overflow when something small waits behind it", async () => {
    const { test } = watched(1000);
    test.sink.write(frame(3000));
    await turn();
    expect(test.overflows).toBe(0);
    expect(test.sink.write(frame(1))).toBe(true);
    await eventually(() => test.overflows > 0, "what waits behind it is too much");
    await turn();
    expect(test.overflows).toBe(1);
  });

  it("is no overflow when it is taken before the turn ends in which something came behind it", async () => {
    const { test } = watched(1000);
    test.sink.write(frame(3000));
    await turn();
    test.sink.write(frame(500));
    await test.take();
    await turn();
    expect(test.overflows).toBe(0);
    expect(test.sink.bufferedBytes).toBe(500);
  });

  it("has nothing put behind it that is more than the burst allows", async () => {
    const { test } = watched(1000);
    test.sink.write(frame(50_000));
    expect(test.sink.write(frame(1))).toBe(false);
    await turn();
    expect(test.overflows).toBe(0);
    await test.take();
    expect(test.sink.write(frame(1))).toBe(true);
  });

  it("is an overflow while it waits, and none once its own turn to be written has come", async () => {
    const waits = watched(1000).test;
    waits.sink.write(frame(10));
    waits.sink.write(frame(3000));
    await eventually(() => waits.overflows > 0, "it waits behind another");
    const comes = watched(1000).test;
    comes.sink.write(frame(10));
    comes.sink.write(frame(3000));
    await comes.take();
    await turn();
    expect(comes.sizes).toEqual([10, 3000]);
    expect(comes.overflows).toBe(0);
  });
});

describe("frames that were joined", () => {
  it("are an overflow while they are being written, for none of them is alone", async () => {
    const { test } = watched(1000);
    test.sink.write(frame(10));
    test.sink.write(frame(600));
    test.sink.write(frame(600));
    await test.take();
    expect(test.sizes).toEqual([10, 1200]);
    await eventually(() => test.overflows > 0, "1,200 bytes are not taken");
  });

  it("after a single large frame count as joined", async () => {
    const { test } = watched(1000);
    test.sink.write(frame(3000));
    await turn();
    test.sink.write(frame(500));
    test.sink.write(frame(500));
    await test.take();
    await turn();
    expect([test.sizes, test.overflows]).toEqual([[3000, 1000], 0]);
    test.sink.write(frame(1));
    await eventually(() => test.overflows > 0, "1,001 bytes wait");
  });
});
