import { describe, expect, it } from "vitest";
import type { Collection, RecordData } from "../../../../src/realtime/records/collection.ts";
import { Filter } from "../../../../src/realtime/records/filter.ts";
import { MAX_STEPS } from "../../../../src/realtime/records/limits.ts";
import { RecordView } from "../../../../src/realtime/records/record-view.ts";
import { invalidFilter } from "../../../support/filter-errors.ts";

/** The result of a filter and the steps it has taken. "too long": it was given up. */
function evaluate(filter: string, record: RecordData, collection: Collection = {}) {
  const view = new RecordView(record, collection);
  const compiled = new Filter(filter, "client");
  let result: boolean | "too long" | undefined;
  try {
    result = compiled.matches(view, {});
  } catch (error) {
    const { message } = invalidFilter(() => {
      throw error;
    });
    if (!message.includes("steps")) throw error;
    result = "too long";
  }
  // One comparison more than the limit may have been counted.
  const { steps } = view;
  return { result, steps };
}

const list = (count: number, element = "x") => Array.from({ length: count }, () => element);
const words = (count: number) => Array.from({ length: count }, (_, index) => `e${index}`);

describe("the evaluation of a filter", () => {
  it("takes a step for each comparison", () => {
    expect(evaluate("a = 1 && a = 2 && a = 3", { a: 1 })).toEqual({ result: false, steps: 2 });
    expect(evaluate("a = 1 || a = 2 || a = 3", { a: 1 })).toEqual({ result: true, steps: 1 });
  });

  it("goes through lists of 10,000 elements", () => {
    const record = { tags: words(10_000) };
    expect(evaluate("tags:each ?= 'e9999'", record)).toEqual({ result: true, steps: 10_000 });
    expect(evaluate("tags:each ?= 'none'", record)).toEqual({ result: false, steps: 10_000 });
    expect(evaluate("tags:each ~ 'e'", record)).toEqual({ result: true, steps: 10_001 });
    expect(evaluate("tags:length = 10000", record)).toEqual({ result: true, steps: 1 });
  });

  it("checks once whether an element refutes a comparison", () => {
    const record = { tags: [...list(5_000, "a"), "b"] };
    const { result, steps } = evaluate("tags:each = 'a'", record);
    expect(result).toBe(false);
    expect(steps).toBe(5_000 + 5_001 + 1);
  });

  it.each([
    "a:each ?= 'none' && b:each ?= 'none'",
    "a:each ?!= 'none' && b:each ?= 'none'",
    "a:each = b:each",
    "a:each ?= b:each && a:each ?= 'none'",
    "a:each ~ b:each && a:each ~ 'none'",
    "(a:each ?= 'none' || b:each ?= 'none') && c:each ?= 'none'",
  ])("of two lists of 1,000 elements ends: %s", (filter) => {
    const record = { a: list(1_000), b: words(1_000), c: words(1_000) };
    const { result, steps } = evaluate(filter, record);
    expect(result === "too long" || result === false).toBe(true);
    expect(steps).toBeLessThanOrEqual(MAX_STEPS + 1);
  });

  it("of several lists ends even if the email that it reads is invisible", () => {
    const record = { email: "e", a: list(300), b: list(300), c: list(300), emailVisibility: false };
    const filter = "email = 'e' && a:each ?= 'y' && b:each ?= 'y' && c:each ?= 'y'";
    const { result, steps } = evaluate(filter, record, { type: "auth" });
    expect({ result, steps }).toEqual({ result: "too long", steps: MAX_STEPS + 1 });
  });

  it("of 200 comparisons with a list ends", () => {
    const filter = Array.from({ length: 200 }, (_, n) => `tags:each ?= 'none ${n}'`).join(" || ");
    const record = { tags: words(1_000) };
    expect(evaluate(filter, record)).toEqual({ result: "too long", steps: MAX_STEPS + 1 });
    expect(evaluate(filter, { tags: words(250) })).toEqual({ result: false, steps: 50_000 });
  });

  it.each([
    ["a run of a", `t ~ '%${"%a".repeat(1_000)}%'`],
    ["a run of _", `t ~ '%${"_".repeat(1_000)}%'`],
    ["a run of _ before another letter", `t ~ '%${"_".repeat(1_000)}b%'`],
    ["a run of _a", `t ~ '%${"_a".repeat(500)}b%'`],
    ["a run of _ at the end", `t ~ '%a${"_".repeat(1_000)}b'`],
    ["a long text", `t ~ '%${"a".repeat(2_000)}b%'`],
    ["another long text", `t ~ '%b${"a".repeat(2_000)}%'`],
    ["what looks like a nested quantifier", "t ~ '%(a+)+$%' || t ~ '%(a|a)*_b%'"],
  ])("of a text with 262,144 characters ends with the pattern of %s", (_, filter) => {
    const { result, steps } = evaluate(filter, { t: "a".repeat(262_144) });
    expect(["too long", true, false]).toContain(result);
    // More than the limit is only counted by the part that was not done.
    expect(steps).toBeGreaterThan(64);
    if (result !== "too long") expect(steps).toBeLessThanOrEqual(MAX_STEPS);
  });

  it("counts long texts that are compared with each other, or read as numbers", () => {
    const [t, u] = [`${"a".repeat(64_000)}1`, `${"a".repeat(64_000)}2`];
    expect(evaluate("t < u", { t, u })).toEqual({ result: true, steps: 1_001 });
    expect(evaluate("t != u", { t, u })).toEqual({ result: true, steps: 1_001 });
    expect(evaluate("t < 'a'", { t })).toEqual({ result: false, steps: 1 });
    expect(evaluate("t > 1", { t })).toEqual({ result: true, steps: 1 });
    const digits = "1".repeat(64_000);
    expect(evaluate("n < d", { n: 1, d: digits })).toEqual({ result: true, steps: 1_001 });
    expect(evaluate("d > n", { n: 1, d: digits })).toEqual({ result: true, steps: 1_001 });
    const record = { t, u, n: 1, d: digits, tags: words(10_000) };
    for (const filter of ["t < u && tags:each ?= ''", "d > n && tags:each ?= ''"]) {
      expect(evaluate(filter, record).result).toBe("too long");
    }
  });

  it("shares the element of a list between all names of the list", () => {
    const fields = { members: "relation[]" } as const;
    const matches = (filter: string) =>
      evaluate(filter, { members: ["u1", "u2"] }, { fields }).result;
    expect(matches("members:each ?= 'u1' && members:each ?= 'u2'")).toBe(false);
    expect(matches("members.id ?= 'u1' && members:each ?= 'u2'")).toBe(false);
    expect(matches("members.id ?= 'u1' && members:each ?= 'u1'")).toBe(true);
    expect(matches("members.id ?< members:each")).toBe(false);
  });

  it("does not check every element of a field with one value", () => {
    const collection = { fields: { rel: "relation", data: "json" } } as const;
    expect(evaluate("data.o != rel:each", { rel: "", data: {} }, collection).result).toBe(true);
  });

  it("finds infinity equal to itself", () => {
    const huge = "9".repeat(400);
    expect(
      evaluate(`${huge} = ${huge} && ${huge} >= ${huge} && ${huge} <= ${huge}`, {}).result,
    ).toBe(true);
    expect(evaluate(`${huge} > ${huge} || ${huge} < ${huge}`, {}).result).toBe(false);
  });

  it("fails if a field is unknown, even beside a comparison that decides", () => {
    const filter = new Filter("a = 1 || (missing = 1 && a = 2)", "client");
    const error = invalidFilter(() => filter.matches(new RecordView({ a: 1 }), {}));
    expect(error.position).toBe(10);
    expect(error.message).toContain('"missing"');
  });

  it.each(["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"])(
    "knows the field %s only if the record or the collection has it",
    (name) => {
      const own = (value: unknown) => Object.fromEntries([[name, value]]);
      const filter = `${name} = 'x'`;
      expect(invalidFilter(() => evaluate(filter, {})).message).toContain(`"${name}"`);
      expect(evaluate(filter, own("x")).result).toBe(true);
      expect(evaluate(filter, own("y")).result).toBe(false);
      expect(
        evaluate(`${name} = ''`, {}, { fields: own("text") as Collection["fields"] }).result,
      ).toBe(true);
      expect(evaluate(`data.${name} = null`, { data: {} }).result).toBe(true);
      expect(evaluate(`data.${name} = 'x'`, { data: own("x") }).result).toBe(true);
      expect(evaluate(`data.a.${name} = null`, { data: { a: "text" } }).result).toBe(true);
    },
  );

  it("follows a path of 500 parts", () => {
    const path = Array.from({ length: 500 }, () => "a").join(".");
    const nested = (depth: number): unknown => (depth === 0 ? "end" : { a: nested(depth - 1) });
    expect(evaluate(`data.${path} = 'end'`, { data: nested(500) }).result).toBe(true);
    expect(evaluate(`data.${path} = null`, { data: nested(400) }).result).toBe(true);
  });
});
