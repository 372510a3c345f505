import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WaitingBudget, type WaitingBytes } from "../../../src/stream/waiting-budget.ts";

function budgetUnderTest(max: number, maxPerAddress = 0) {
  const budget = new WaitingBudget(max, maxPerAddress);
  const cut: string[] = [];
  const open = (name: string, network?: string): WaitingBytes =>
    budget.open({ network, onEvicted: () => void cut.push(name) });
  return { budget, cut, open };
}

const bytes = (length: number) => new Uint8Array(length);

describe("the budget of waiting bytes", () => {
  it("cuts the fullest stream first, and no more than it must", () => {
    const { budget, cut, open } = budgetUnderTest(100);
    open("small").add(bytes(20));
    open("large").add(bytes(50));
    open("middle").add(bytes(30));
    expect(cut).toEqual([]);
    open("last").add(bytes(10));
    expect(cut).toEqual(["large"]);
    expect(budget.bytes).toBe(60);
  });

  it("counts once what waits for several streams", () => {
    const { budget, cut, open } = budgetUnderTest(100);
    const shared = bytes(60);
    const streams = Array.from({ length: 50 }, (_, index) => open(`${index}`));
    for (const stream of streams) stream.add(shared);
    expect([budget.bytes, cut]).toEqual([60, []]);
    for (const stream of streams.slice(1)) stream.remove(shared);
    expect(budget.bytes).toBe(60);
    streams[0]?.remove(shared);
    expect(budget.bytes).toBe(0);
  });

  it("cuts the stream with the most of its own, not one that shares a large chunk", () => {
    const { cut, open } = budgetUnderTest(100);
    const shared = bytes(60);
    for (const name of ["a", "b", "c"]) open(name).add(shared);
    open("own").add(bytes(30));
    open("last").add(bytes(20));
    expect(cut).toEqual(["own"]);
  });

  it("bounds each network, whose excess cuts none of another", () => {
    const { budget, cut, open } = budgetUnderTest(1000, 100);
    open("other", "b").add(bytes(90));
    for (let count = 0; count < 20; count++) open("hostile", "a").add(bytes(30));
    expect(new Set(cut)).toEqual(new Set(["hostile"]));
    expect(budget.bytes).toBe(90 + 90);
  });

  it("holds the same chunk as often as it was given, and knows what it does not hold", () => {
    const { budget, open } = budgetUnderTest(0);
    const [stream, frame] = [open("a"), bytes(10)];
    stream.add(frame);
    stream.add(frame);
    stream.remove(frame);
    stream.remove(bytes(10));
    expect(budget.bytes).toBe(10);
    stream.clear();
    stream.remove(frame);
    expect(budget.bytes).toBe(0);
  });

  it("is kept by any mix of streams, networks and chunks, and empty when all have gone", () => {
    const chunks = [10, 20, 40, 80].map(bytes);
    const step = fc.record({
      stream: fc.nat(9),
      chunk: fc.nat(chunks.length - 1),
      isShared: fc.boolean(),
      isRelease: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { budget, open } = budgetUnderTest(300, 150);
        const streams = Array.from({ length: 10 }, (_, n) => open(`${n}`, `network ${n % 3}`));
        for (const { stream, chunk, isShared, isRelease } of steps) {
          const one = streams[stream] as WaitingBytes;
          const frame = chunks[chunk] as Uint8Array;
          if (isRelease) one.remove(frame);
          else one.add(isShared ? frame : bytes(frame.length));
          expect(budget.bytes).toBeLessThanOrEqual(300);
          expect(budget.bytes).toBeGreaterThanOrEqual(0);
        }
        for (const one of streams) one.clear();
        expect(budget.bytes).toBe(0);
      }),
    );
  });
});
