import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStreamParser, type StreamBlock } from "../../../../src/api/console/browser/sse.ts";

function parseAll(...pieces: readonly string[]): StreamBlock[] {
  const parse = createStreamParser();
  return pieces.flatMap((piece) => parse(piece));
}

describe("the console's parser of a stream", () => {
  it("returns the fields of an event, and the comment before it", () => {
    expect(parseAll(': ping\nevent: chat\ndata: {"a":1}\nid: 0-e-1\n\n')).toEqual([
      { type: "chat", data: '{"a":1}', id: "0-e-1", comment: "ping" },
    ]);
  });

  it("returns a block without data, such as the one that ends a stream", () => {
    expect(parseAll(": The server is stopping.\nretry: 2741\n\n")).toEqual([
      { type: "message", retry: 2741, comment: "The server is stopping." },
    ]);
  });

  it("ignores what the format ignores", () => {
    expect(parseAll("\uFEFFdata\ndata:  x\nid: a\0b\nretry: 1s\nother: y\n\n\n\n")).toEqual([
      { type: "message", data: "\n x" },
    ]);
  });

  it("reads CR LF that arrives in two pieces as one line end", () => {
    expect(parseAll("data: a\r", "\ndata: b\r\n\r\n")).toEqual([{ type: "message", data: "a\nb" }]);
  });

  it("finds the events that eventsource-parser finds, however the text is cut", () => {
    const line = fc.constantFrom(
      "data: a",
      "data:b",
      "data",
      "event: chat",
      "event:",
      "id: 1",
      "id",
      ": ping",
      "retry: 5",
      "nothing",
      "",
    );
    const lines = fc.array(line, { maxLength: 12 });
    const cuts = fc.array(fc.nat(80), { maxLength: 5 });
    fc.assert(
      fc.property(lines, fc.constantFrom("\n", "\r\n"), cuts, (lines, lineEnd, cuts) => {
        const text = lines.map((one) => one + lineEnd).join("");
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = places.map((from, index) => text.slice(from, places[index + 1] ?? from));
        const expected: object[] = [];
        const reader = createParser({
          onEvent: ({ event = "message", data, id }) => expected.push({ event, data, id }),
        });
        reader.feed(text);
        const found = parseAll(...pieces)
          .filter(({ data }) => data !== undefined)
          .map(({ type, data, id }) => ({ event: type, data, id }));
        expect(found).toEqual(expected);
      }),
    );
  });
});
