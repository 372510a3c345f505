import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileFilter } from "../../../../src/realtime/records/filter.ts";
import { strftime } from "../../../../src/realtime/records/strftime.ts";
import { invalidFilter } from "../../../support/filter-errors.ts";

type Case = [format: string, time: string | number, modifiers: string[], expected: string | null];

/**
 * Answers of SQLite 3.54.1 (the npm package sql.js 1.16.0, with the time zone UTC and its clock stopped at NOW) to `select
 * strftime(format, time, ...modifiers)`. The times and modifiers of the last group are random; all
 * have an answer that is not NULL.
 */
const groups: Record<string, Case[]> = JSON.parse(
  readFileSync(new URL("./strftime-cases.json", import.meta.url), "utf8"),
);
const NOW = Date.UTC(2026, 10, 28, 21, 49, 25, 678);

describe("strftime", () => {
  for (const [sentence, cases] of Object.entries(groups)) {
    it(sentence, () => {
      expect(cases.length).toBeGreaterThan(0);
      const answers = cases.map(([format, time, modifiers]) => [
        format,
        time,
        modifiers,
        strftime(format, time, modifiers, NOW),
      ]);
      expect(answers).toEqual(cases);
    });
  }

  it("takes a time that was left out for now", () => {
    expect(strftime("%F %R:%f", undefined, [], NOW)).toBe("2026-11-28 21:49:25.678");
    expect(strftime("%F", undefined, ["start of month"], NOW)).toBe("2026-11-01");
  });

  it("cuts a fraction of a millisecond off now", () => {
    expect(strftime("%f", "now", [], 1.9)).toBe("00.001");
    expect(strftime("%f", undefined, [], -0.1)).toBe("59.999");
  });

  it("gives null for null and for a number that is not finite", () => {
    expect(strftime("%F", null, [], NOW)).toBeNull();
    expect(strftime("%F", Number.NaN, [], NOW)).toBeNull();
    expect(strftime("%F", Number.POSITIVE_INFINITY, ["julianday"], NOW)).toBeNull();
    expect(strftime("%F", Number.NEGATIVE_INFINITY, ["unixepoch"], NOW)).toBeNull();
    expect(strftime("%F", "now", [], Number.NaN)).toBeNull();
  });

  // SQLite answers 2000-01-01 here: its `localtime` forgets that the time was out of range.
  it("gives null for a time out of range, with localtime too", () => {
    expect(strftime("%F", 1e12, ["localtime"], NOW)).toBeNull();
    expect(strftime("%F", "9999-12-31", ["+1 day", "localtime"], NOW)).toBeNull();
  });

  it("reads a day after the end of its month as a day of the next month before the first modifier", () => {
    expect(strftime("%F", "2026-02-31", ["start of month"], NOW)).toBe("2026-03-01");
    expect(strftime("%F %T", "24:00", ["start of day"], NOW)).toBe("2000-01-02 00:00:00");
    expect(strftime("%F", "01:00+05:00", ["start of day"], NOW)).toBe("1999-12-31");
  });

  it("gives null for a time that one modifier moves out of range and another one back", () => {
    expect(strftime("%F", "9999-12-31", ["+1 day", "-1 day"], NOW)).toBeNull();
  });

  it("writes at most 11 characters for each character of the format", () => {
    for (const letter of "defFHIjJmMpRsSTwWY%") {
      for (const time of ["-4713-11-24 12:00:00.007", "9999-12-31 23:59:59.999", "2026-03-05"]) {
        const text = strftime(`%${letter}`.repeat(1250), time, ["subsec"], NOW);
        expect(text?.length).toBeGreaterThan(0);
        expect(text?.length).toBeLessThanOrEqual(11 * 2500);
      }
    }
  });
});

describe("a filter with strftime", () => {
  it.each([
    "%",
    "100%",
    "%y",
    "%Y-%Q",
    "% Y",
    "%é",
    "%Y%%%",
    "%G",
    "%k",
    "%P",
    "%u",
    "%constructor",
  ])("is refused at its format if the format is %j", (format) => {
    const { message, position } = invalidFilter(() =>
      compileFilter(`strftime("${format}", created) = ""`),
    );
    expect(position).toBe(9);
    expect(message).toContain("Behind a % in the format of strftime stands one of ");
  });

  it.each([
    ...["", "bogus", "unixepoch ", "day 1", "auto", "ceiling", "floor", "start of week"],
    ...[
      "+1",
      "+1day",
      " +1 day",
      "+1 day ",
      ".5 days",
      "+.5 days",
      "+1 weeks",
      "+1:30",
      "+25:00",
      "+02:00Z",
    ],
    ...["+0001-02-03", "weekday", "weekday 7", "weekday -1", "toString"],
  ])("is refused at its modifier if the modifier is %j", (modifier) => {
    const { message, position } = invalidFilter(() =>
      compileFilter(`strftime("%F", created, "+1 day", "${modifier}") = ""`),
    );
    expect(position).toBe(34);
    expect(message).toContain("strftime takes modifiers such as ");
  });
});
