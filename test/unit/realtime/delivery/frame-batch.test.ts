import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameBatch, joinFrames } from "../../../../src/realtime/delivery/frame-batch.ts";

const frame = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const join = (run: FrameBatch) => text(run.bytes(joinFrames));

describe("frames of one turn", () => {
  it("are joined in order, and clients that were given the same frames share the bytes", () => {
    const [a, b, c] = [frame("a"), frame("bb"), frame("ccc")];
    const start = FrameBatch.empty();
    const runs = [1, 2].map(() => start.append(a).append(b).append(c));
    expect(runs[0]).toBe(runs[1]);
    expect([runs[0]?.length, runs[0]?.count]).toEqual([6, 3]);
    expect(runs.map((run) => run.bytes(joinFrames))[0]).toBe(runs[1]?.bytes(joinFrames));
    expect(join(start.append(a).append(c))).toBe("accc");
    expect(join(start.append(b))).toBe("bb");
  });

  it("are not copied when there is only one", () => {
    const only = frame("only");
    expect(FrameBatch.empty().append(only).bytes(joinFrames)).toBe(only);
  });

  it("are joined for any clients in any interleaving", () => {
    const frames = Array.from({ length: 5 }, (_, n) => frame(`frame ${n};`));
    const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(4)), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (given) => {
        const start = FrameBatch.empty();
        const clients = Array.from({ length: 4 }, () => ({ run: start, wanted: "" }));
        for (const [client, index] of given) {
          const one = clients[client];
          const what = frames[index];
          if (one === undefined || what === undefined) continue;
          one.run = one.run.append(what);
          one.wanted += text(what);
        }
        for (const { run, wanted } of clients) expect(join(run)).toBe(wanted);
        const runs = new Map(clients.map(({ run, wanted }) => [wanted, run]));
        for (const { run, wanted } of clients) expect(run).toBe(runs.get(wanted));
      }),
    );
  });
});
