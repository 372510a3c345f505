import { describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import { frame, SinkUnderTest, turn } from "../../support/sink-under-test.ts";

/** A sink, and how often it has told that everything was taken. */
function watched(maxBufferedBytes = 1000) {
  const test = new SinkUnderTest(maxBufferedBytes);
  const told = { count: 0 };
  const ask = () =>
    test.sink.onDrain(() => {
      told.count += 1;
    });
  return { test, told, ask };
}

describe("a sink that is asked to tell when it has drained", () => {
  it("tells at once when nothing waits", async () => {
    const { told, ask } = watched();
    ask();
    expect(told.count).toBe(1);
    await turn();
    expect(told.count).toBe(1);
  });

  it("tells when the stream has taken everything that was written, and not before", async () => {
    const { test, told, ask } = watched();
    for (const value of [1, 2, 3]) test.sink.write(frame(10, value));
    ask();
    await turn();
    expect(told.count).toBe(0);
    await test.take();
    await turn();
    // Two of the three wait still, in one chunk.
    expect(told.count).toBe(0);
    await test.take();
    await eventually(() => told.count > 0, "it is told");
    expect(test.sink.bufferedBytes).toBe(0);
  });

  it("tells once, however much is written afterwards", async () => {
    const { test, told, ask } = watched();
    test.sink.write(frame(1));
    ask();
    await test.takeAll();
    await eventually(() => told.count > 0, "it is told");
    test.sink.write(frame(1));
    await test.takeAll();
    await turn();
    expect(told.count).toBe(1);
  });

  it("tells everybody who asked", async () => {
    const { test, told, ask } = watched();
    test.sink.write(frame(1));
    ask();
    ask();
    await test.takeAll();
    await eventually(() => told.count === 2, "both are told");
    ask();
    await eventually(() => told.count === 3, "the one who asked later is told");
  });

  it("may be written to and asked again when it tells: a page, and the next", async () => {
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

  it("never tells after its end, whether anything waited or not", async () => {
    const waiting = watched();
    waiting.test.sink.write(frame(1));
    waiting.ask();
    const idle = watched();
    for (const { test } of [waiting, idle]) test.sink.close("client");
    idle.ask();
    await waiting.test.takeAll();
    waiting.ask();
    await turn();
    await turn();
    expect(waiting.told.count).toBe(0);
    expect(idle.told.count).toBe(0);
  });
});

describe("a single frame that is larger than a sink's bound", () => {
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

  it("after a single large one are told from it", async () => {
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
