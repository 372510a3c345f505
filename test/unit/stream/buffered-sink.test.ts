import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import { frame, SinkUnderTest, turn } from "../../support/sink-under-test.ts";

describe("BufferedSink", () => {
  it("writes a first frame at once, as it is", () => {
    const test = new SinkUnderTest();
    const first = frame(3, 1);
    expect(test.sink.write(first)).toBe(true);
    expect(test.chunks[0]).toBe(first);
  });

  it("waits with the next until the stream has taken the one before", async () => {
    const test = new SinkUnderTest();
    test.sink.write(frame(1, 1));
    test.sink.write(frame(1, 2));
    await turn();
    expect(test.bytes).toEqual([1]);
    await test.take();
    expect(test.bytes).toEqual([1, 2]);
  });

  it("joins what waits into one chunk, in order", async () => {
    const test = new SinkUnderTest();
    for (const value of [1, 2, 3, 4]) test.sink.write(frame(2, value));
    await test.take();
    expect(test.sizes).toEqual([2, 6]);
    expect(test.bytes).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it("joins up to 64 KiB and no further, and writes a larger frame alone", async () => {
    const kibibyte = 1024;
    const test = new SinkUnderTest(1024 * kibibyte);
    for (const size of [2, 32, 32, 1, 100, 1]) test.sink.write(frame(size * kibibyte));
    await test.takeAll();
    expect(test.sizes).toEqual([2, 64, 1, 100, 1].map((size) => size * kibibyte));
  });

  it("counts the bytes that wait, and the chunk that the stream has not taken yet", async () => {
    const test = new SinkUnderTest();
    expect(test.sink.bufferedBytes).toBe(0);
    test.sink.write(frame(10));
    expect(test.sink.bufferedBytes).toBe(10);
    test.sink.write(frame(20));
    test.sink.write(frame(30));
    expect(test.sink.bufferedBytes).toBe(60);
    await test.take();
    expect(test.sink.bufferedBytes).toBe(50);
    await test.take();
    expect(test.sink.bufferedBytes).toBe(0);
  });

  it("writes everything it accepted, in order, and counts it right, however the stream takes it", async () => {
    const anyStep = fc.oneof(
      fc.record({ size: fc.integer({ min: 1, max: 400 }) }),
      fc.constant("take" as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep), async (steps) => {
        const test = new SinkUnderTest(500);
        const accepted: number[] = [];
        let value = 0;
        let taken = 0;
        for (const step of steps) {
          if (step === "take") {
            const size = test.sizes.at(-1) ?? 0;
            if (await test.take()) taken += size;
          } else {
            value = (value + 1) % 256;
            const waiting = test.sink.bufferedBytes;
            const isAccepted = test.sink.write(frame(step.size, value));
            expect(isAccepted).toBe(waiting === 0 || waiting + step.size <= 4 * 500);
            if (isAccepted) accepted.push(...frame(step.size, value));
          }
          expect(test.sink.bufferedBytes).toBe(accepted.length - taken);
        }
        await test.takeAll();
        expect(test.bytes).toEqual(accepted);
        expect(test.sink.bufferedBytes).toBe(0);
      }),
    );
  });
});

describe("a sink's limit", () => {
  it("may be passed by a burst within one turn that is drained at once", async () => {
    const test = new SinkUnderTest(1000);
    for (let count = 0; count < 39; count += 1) expect(test.sink.write(frame(100))).toBe(true);
    await test.takeAll();
    await turn();
    expect(test.overflows).toBe(0);
    expect(test.sizes.reduce((sum, size) => sum + size)).toBe(3900);
  });

  it("is an overflow when it is still passed at the next turn, reported once", async () => {
    const test = new SinkUnderTest(1000);
    for (let count = 0; count < 20; count += 1) test.sink.write(frame(100));
    expect(test.overflows).toBe(0);
    await eventually(() => test.overflows > 0, "the overflow is reported");
    await turn();
    expect(test.overflows).toBe(1);
  });

  it("may be reached", async () => {
    const test = new SinkUnderTest(1000);
    for (let count = 0; count < 10; count += 1) test.sink.write(frame(100));
    expect(test.sink.bufferedBytes).toBe(1000);
    await turn();
    expect(test.overflows).toBe(0);
    test.sink.write(frame(1));
    await eventually(() => test.overflows > 0, "one byte more is reported");
  });

  it("may be passed by a burst that is drained down to it within the turn", async () => {
    const test = new SinkUnderTest(1000);
    test.sink.write(frame(100));
    test.sink.write(frame(1000));
    await test.take();
    expect(test.sink.bufferedBytes).toBe(1000);
    await turn();
    expect(test.overflows).toBe(0);
  });

  it("is checked anew after a burst that was drained", async () => {
    const test = new SinkUnderTest(1000);
    test.sink.write(frame(600));
    test.sink.write(frame(600));
    await test.takeAll();
    await turn();
    expect(test.overflows).toBe(0);
    test.sink.write(frame(600));
    test.sink.write(frame(600));
    await eventually(() => test.overflows > 0, "the second burst, which is not taken, is reported");
  });

  it("is no overflow any more when the sink was closed meanwhile", async () => {
    const test = new SinkUnderTest(1000);
    test.sink.write(frame(600));
    test.sink.write(frame(600));
    test.sink.close("client");
    await turn();
    expect(test.overflows).toBe(0);
  });

  it("lets one huge frame through to a client for which nothing waits", async () => {
    const test = new SinkUnderTest(1000);
    expect(test.sink.write(frame(1_000_000))).toBe(true);
    await test.take();
    await turn();
    expect(test.overflows).toBe(0);
    expect(test.sink.bufferedBytes).toBe(0);
    expect(test.sink.write(frame(1_000_000))).toBe(true);
    expect(test.sizes).toEqual([1_000_000, 1_000_000]);
  });

  it("four times over is refused, and what was refused is not written", async () => {
    const test = new SinkUnderTest(1000);
    expect(test.sink.write(frame(1, 1))).toBe(true);
    expect(test.sink.write(frame(4000, 2))).toBe(false);
    expect(test.sink.write(frame(3999, 3))).toBe(true);
    expect(test.sink.write(frame(1, 4))).toBe(false);
    expect(test.sink.bufferedBytes).toBe(4000);
    await test.takeAll();
    expect(test.bytes).toEqual([1, ...frame(3999, 3)]);
  });
});

describe("a sink's stall", () => {
  it("is the time since the stream was last given something that it has not taken", async () => {
    const test = new SinkUnderTest();
    expect(test.sink.stalledFor).toBe(0);
    test.sink.write(frame(1));
    expect(test.sink.stalledFor).toBe(0);
    test.time += 500;
    expect(test.sink.stalledFor).toBe(500);
    test.sink.write(frame(1));
    test.time += 500;
    expect(test.sink.stalledFor).toBe(1000);
    await test.take();
    expect(test.sink.stalledFor).toBe(0);
    test.time += 300;
    expect(test.sink.stalledFor).toBe(300);
    await test.take();
    test.time += 300;
    expect(test.sink.stalledFor).toBe(0);
  });
});
