import { describe, expect, it } from "vitest";
import { createPartReader } from "../../../src/ai/to-parts.ts";

describe("the parts of a stream", () => {
  it("are passed on as they are", () => {
    const reader = createPartReader("m1");
    const part = { type: "data-weather", data: { degrees: 20 } };
    expect(reader.read(part)).toEqual([part]);
    expect(reader.end()).toEqual([]);
  });

  it("of texts are one text of a message", () => {
    const reader = createPartReader("m1");
    expect([...reader.read("Hel"), ...reader.read("lo"), ...reader.end()]).toEqual([
      { type: "start", messageId: "m1" },
      { type: "text-start", id: "text" },
      { type: "text-delta", id: "text", delta: "Hel" },
      { type: "text-delta", id: "text", delta: "lo" },
      { type: "text-end", id: "text" },
      { type: "finish" },
    ]);
  });

  it.each([undefined, null, 1, {}, { type: 1 }, new Uint8Array(1)])(
    "must be parts or texts, not %j",
    (chunk) => {
      expect(() => createPartReader("m1").read(chunk)).toThrow("Pass result.toUIMessageStream()");
    },
  );

  it("must not be mixed with texts", () => {
    const reader = createPartReader("m1");
    reader.read("a");
    expect(() => reader.read({ type: "finish" })).toThrow("parts and texts");
  });
});
