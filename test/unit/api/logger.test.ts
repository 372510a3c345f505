import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogger, LOG_LEVELS, type LoggerOptions } from "../../../src/api/logger.ts";
import type { LogFields } from "../../../src/realtime/types.ts";

const METHODS = ["debug", "info", "warn", "error"] as const;

function recordingLogger(options: LoggerOptions = {}) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ ...options, write: (line) => lines.push(line) }) };
}

/** One line, without anything that could end it or that a terminal obeys. */
function expectOneLine(lines: readonly string[]): void {
  expect(lines).toHaveLength(1);
  const [line = ""] = lines;
  expect(line).not.toBe("");
  expect([...line].filter((character) => character < " ")).toEqual([]);
}

describe("a logger", () => {
  it("writes one JSON object a line, with time, level, message and fields", () => {
    const { lines, logger } = recordingLogger();
    const before = Date.now();
    logger.info("client connected", { clientId: "0-abc", ip: undefined, count: 2, ok: true });
    expect(lines).toHaveLength(1);
    const { time, ...rest } = JSON.parse(lines[0] ?? "");
    expect(rest).toEqual({
      level: "info",
      msg: "client connected",
      clientId: "0-abc",
      count: 2,
      ok: true,
    });
    expect(new Date(time).toISOString()).toBe(time);
    expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
  });

  it("writes text for people: time, level, message and fields", () => {
    const { lines, logger } = recordingLogger({ format: "text" });
    logger.warn("client disconnected", { reason: "slow", ip: undefined, count: 2, ok: false });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}client disconnected reason="slow" count=2 ok=false$/,
    );
  });

  it("writes a message without fields", () => {
    const json = recordingLogger();
    const text = recordingLogger({ format: "text" });
    json.logger.info("stopped");
    text.logger.info("stopped");
    expect(JSON.parse(json.lines[0] ?? "")).toMatchObject({ level: "info", msg: "stopped" });
    expect(text.lines[0]).toMatch(/ INFO {2}stopped$/);
  });

  for (const [threshold, level] of LOG_LEVELS.entries()) {
    it(`at level ${level} writes lines of that level and above`, () => {
      const { lines, logger } = recordingLogger({ level });
      for (const method of METHODS) logger[method]("x");
      const written = lines.map((line) => JSON.parse(line).level);
      expect(written).toEqual(LOG_LEVELS.slice(threshold, 4));
    });
  }

  it("is at level info and writes JSON by default", () => {
    const { lines, logger } = recordingLogger({ level: undefined, format: undefined });
    for (const method of METHODS) logger[method]("x");
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(["info", "warn", "error"]);
  });

  for (const format of ["json", "text"] as const) {
    it(`keeps a value with line breaks on one line of ${format}`, () => {
      const { lines, logger } = recordingLogger({ format });
      const forged = 'x\n{"level":"error","msg":"forged"}\r\n\u001b[31mred';
      logger.info("subscriptions set", { topic: forged });
      expectOneLine(lines);
      expect(lines[0]).toContain(JSON.stringify(forged));
    });

    it(`keeps any value on one line of ${format}`, () => {
      const hostile = fc.constantFrom("\r", "\n", "\0", "\t", "\u001b", '"', "\\", "=", " ", "x");
      const anyValue = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(hostile).map((parts) => parts.join("")),
      );
      fc.assert(
        fc.property(anyValue, (value) => {
          const { lines, logger } = recordingLogger({ format });
          logger.error("request failed", { value });
          expectOneLine(lines);
        }),
      );
    });
  }

  it("gives back every value of a JSON line as it was", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer(), fc.boolean()), (value) => {
        const { lines, logger } = recordingLogger();
        logger.info("x", { value });
        expect(JSON.parse(lines[0] ?? "").value).toBe(value);
      }),
    );
  });

  it("does not change the fields it is given", () => {
    const fields: LogFields = Object.freeze({ a: 1, b: undefined });
    recordingLogger().logger.info("x", fields);
    recordingLogger({ format: "text" }).logger.info("x", fields);
    expect(fields).toEqual({ a: 1, b: undefined });
  });
});
