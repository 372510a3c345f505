import { createParser, type EventSourceMessage } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatSSEComment,
  formatSSEMessage,
  isFieldText,
  type SSEMessage,
  toJSONLine,
} from "../../../src/realtime/sse.ts";

/** What an independent parser reads when the text arrives as UTF-8 in pieces. */
function readBack(text: string, pieceBytes = Number.POSITIVE_INFINITY) {
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  const retries: number[] = [];
  const faults: string[] = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: (comment) => comments.push(comment),
    onRetry: (retry) => retries.push(retry),
    onError: (error) => faults.push(error.message),
  });
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    parser.feed(decoder.decode(bytes.subarray(start, start + pieceBytes), { stream: true }));
  }
  return { events, comments, retries, faults };
}

/** As it arrives: every line break is LF, and what UTF-8 can't carry is U+FFFD. */
function asReceived(text: string): string {
  const bytes = new TextEncoder().encode(text.replaceAll(/\r\n|\r|\n/g, "\n"));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

const hostile = fc.constantFrom(
  ..."\r,\n,\r\n,\n\n,\r\r,\0,\ud800,\udfff,🦊,\ufeff,\u2028,\u0085, ,:,: ,data: x,id: x,event: x,retry: 1,x".split(
    ",",
  ),
);
/** Any text, thick with what ends a field or a line. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(hostile).map((parts) => parts.join("")),
);
/** Any text that a field of one line may have. */
const anyField = anyText.map((text) => [...text].filter(isFieldText).join(""));

const invalid = expect.objectContaining({ name: "RealtimeError", code: "invalid_event" });

/** What `run` throws; undefined when it does not. */
function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("an event", () => {
  it("has its fields in order and ends with an empty line", () => {
    const text = formatSSEMessage({ event: "chat", data: { a: 1 }, id: "7", retry: 10 });
    expect(text).toBe('event: chat\ndata: {"a":1}\nid: 7\nretry: 10\n\n');
  });

  it("leaves out the fields that are not given", () => {
    expect(formatSSEMessage({})).toBe("\n");
    expect(formatSSEMessage({ id: "7" })).toBe("id: 7\n\n");
    expect(formatSSEMessage({ data: undefined, event: undefined })).toBe("\n");
  });

  it("is read back by a parser, whatever its text, event name and id are", () => {
    fc.assert(
      fc.property(
        anyText,
        anyField,
        anyField,
        fc.integer({ min: 1, max: 20 }),
        (data, event, id, piece) => {
          const { events, comments, retries, faults } = readBack(
            formatSSEMessage({ event, data, id }),
            piece,
          );
          expect(events).toEqual([
            { event: asReceived(event) || undefined, data: asReceived(data), id: asReceived(id) },
          ]);
          expect([comments, retries, faults]).toEqual([[], [], []]);
        },
      ),
    );
  });

  it("with a value as data is read back as one line with that value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const { events, faults } = readBack(formatSSEMessage({ data: { value } }));
        expect(events).toHaveLength(1);
        expect(events[0]?.data).not.toMatch(/[\r\n]/);
        expect(events[0]?.data).toBe(JSON.stringify({ value }));
        expect(faults).toEqual([]);
      }),
    );
  });

  it("never runs into the next one", () => {
    const anyMessage = fc.record({ data: anyText, event: anyField, id: anyField });
    fc.assert(
      fc.property(fc.array(anyMessage), (messages) => {
        const frames = messages.map(formatSSEMessage);
        for (const frame of frames) {
          expect(frame).not.toContain("\r");
          expect(frame.indexOf("\n\n")).toBe(frame.length - 2);
        }
        const { events } = readBack(frames.join(""));
        expect(events.map(({ data }) => data)).toEqual(
          messages.map(({ data }) => asReceived(data)),
        );
      }),
    );
  });

  const texts: [name: string, text: string][] = [
    ["is empty", ""],
    ["is one space", " "],
    ["has spaces around it", "  hello  "],
    ["begins with a colon", ":hello"],
    ["looks like a field", "data: x\nevent: y\n\nid: z"],
    ["ends with a line break", "hello\n"],
    ["is line breaks of every kind", "\r\n\r\r\n\n\n"],
    ["has a NUL", "a\0b"],
    ["has emoji and lone surrogates", "🦊\ud800x\udc00"],
    ["has a byte order mark", "\ufeffhello\ufeff"],
    ["is a mebibyte in one line", "0123456789abcdef".repeat(65_536)],
    ["is a mebibyte in many lines", "0123456789abcde\n".repeat(65_536)],
  ];
  for (const [name, text] of texts) {
    it(`is read back when its text ${name}`, () => {
      const { events, faults } = readBack(formatSSEMessage({ event: "e", data: text, id: "i" }));
      expect(events).toEqual([{ event: "e", data: asReceived(text), id: "i" }]);
      expect(faults).toEqual([]);
    });
  }

  it("has null, numbers and booleans as JSON, and nothing for undefined", () => {
    const dataOf = (data: unknown) => readBack(formatSSEMessage({ data })).events[0]?.data;
    expect([null, 0, -1.5, false, true, [], {}].map(dataOf)).toEqual([
      "null",
      "0",
      "-1.5",
      "false",
      "true",
      "[]",
      "{}",
    ]);
    expect(readBack(formatSSEMessage({ event: "e", data: undefined })).events).toEqual([]);
  });

  for (const field of ["event", "id"] as const) {
    it(`refuses a line break or NUL in its ${field}, and so lets no field in`, () => {
      const broken = fc
        .tuple(anyField, fc.constantFrom("\r", "\n", "\r\n", "\0"), anyField)
        .map((parts) => parts.join(""));
      fc.assert(
        fc.property(broken, (text) => {
          expect(thrownBy(() => formatSSEMessage({ data: "x", [field]: text }))).toEqual(invalid);
        }),
      );
      const injecting = { data: "x", [field]: "x\ndata: injected\n\n" };
      expect(() => formatSSEMessage(injecting)).toThrow(`The ${field} of an event`);
    });
  }

  it("refuses a cycle, a BigInt and what JSON has no word for, and names the cause", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = [cycle];
    for (const data of [cycle, 1n, { big: [1n] }, () => 1, Symbol("x")]) {
      expect(thrownBy(() => formatSSEMessage({ data }))).toEqual(invalid);
    }
    const error = thrownBy(() => formatSSEMessage({ data: cycle }));
    expect((error as Error).cause).toBeInstanceOf(TypeError);
    const failing = {
      toJSON: () => {
        throw new RangeError("no");
      },
    };
    expect(thrownBy(() => formatSSEMessage({ data: failing }))).toEqual(invalid);
    expect(thrownBy(() => formatSSEMessage({ data: { toJSON: () => undefined } }))).toEqual(
      invalid,
    );
  });

  it("carries the time to wait before reconnecting", () => {
    for (const retry of [0, 1, 3000, Number.MAX_SAFE_INTEGER]) {
      expect(readBack(formatSSEMessage({ retry }))).toMatchObject({ retries: [retry], faults: [] });
    }
    expect(readBack(formatSSEMessage({ retry: 5, data: "x" })).events).toHaveLength(1);
  });

  it("refuses a time to wait that is no whole number of milliseconds", () => {
    for (const retry of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(thrownBy(() => formatSSEMessage({ retry }))).toEqual(invalid);
      expect(() => formatSSEMessage({ retry })).toThrow(String(retry));
    }
  });

  it("is not changed, nor is what it was given", () => {
    const message: SSEMessage = Object.freeze({ event: "e", data: Object.freeze({ a: 1 }) });
    expect(formatSSEMessage(message)).toBe(formatSSEMessage(message));
  });
});

describe("a comment", () => {
  it("is one line", () => {
    expect(formatSSEComment("ping")).toBe(": ping\n");
    expect(formatSSEComment("")).toBe(": \n");
  });

  it("of several lines is several comments and never an event", () => {
    expect(readBack(formatSSEComment("a\nb\r\nc\rdata: d"))).toEqual({
      events: [],
      comments: ["a", "b", "c", "data: d"],
      retries: [],
      faults: [],
    });
  });

  it("is read back, whatever it says, between two events that stay whole", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const event = formatSSEMessage({ data: "x" });
        const { events, comments, retries, faults } = readBack(
          event + formatSSEComment(text) + event,
        );
        expect(comments.join("\n")).toBe(asReceived(text));
        expect(events.map(({ data }) => data)).toEqual(["x", "x"]);
        expect([retries, faults]).toEqual([[], []]);
      }),
    );
  });
});

describe("field text", () => {
  it("is any text without NUL and what some reader takes for a line break", () => {
    expect(["", " ", "a:b", "🦊", "\t", "\u2027", "\u202a", "\x86"].every(isFieldText)).toBe(true);
    expect(["\r", "\n", "\0", "a\r\nb", "a\n", "\0a"].some(isFieldText)).toBe(false);
    const others = ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"];
    expect(others.some(isFieldText)).toBe(false);
  });
});

describe("a line of JSON", () => {
  it("has no line break, whatever the value", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = toJSONLine({ [text]: text });
        expect(isFieldText(line)).toBe(true);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify({ [text]: text })));
      }),
    );
  });

  it("has the separators that JSON leaves as they are escaped, in names and values", () => {
    expect(toJSONLine({ "a\u2028": "\u2029\u0085\u2027" })).toBe(
      '{"a\\u2028":"\\u2029\\u0085\u2027"}',
    );
  });

  it("there is none for undefined", () => {
    expect(thrownBy(() => toJSONLine(undefined))).toEqual(invalid);
  });

  it("there is none for what is nested too deeply, which is an error and no crash", () => {
    let deep: unknown = [];
    for (let depth = 0; depth < 200_000; depth += 1) deep = [deep];
    const error = thrownBy(() => toJSONLine(deep));
    // A runtime with a JSON.stringify that can write it is right as well.
    if (error !== undefined) expect(error).toEqual(invalid);
  });
});
