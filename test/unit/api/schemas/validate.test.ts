import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { object, oneOf, strictObject } from "../../../../src/api/schemas/objects.ts";
import { invalidInput, validate, validateItem } from "../../../../src/api/schemas/validate.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";

const schema = object({
  clientId: v.pipe(v.string(), v.minLength(1), v.maxLength(5)),
  subscriptions: v.nullish(v.pipe(v.array(v.pipe(v.string(), v.maxLength(3))), v.maxLength(2))),
  kind: v.optional(oneOf(["a", "b"])),
  even: v.optional(
    v.pipe(
      v.number(),
      v.check((n) => n % 2 === 0, "Must be even."),
    ),
  ),
  inner: v.optional(object({ code: v.string(), flag: v.optional(v.boolean()) })),
});

const BLANK = { code: "validation_required", message: "Cannot be blank." };
const tooLong = (most: number) => ({
  code: "validation_length_too_long",
  message: `The length must be no more than ${most}.`,
});
const wrongType = (type: string) => ({
  code: "validation_invalid_type",
  message: `Must be ${type}.`,
});

describe("the errors of input", () => {
  it("are undefined for valid input", () => {
    expect(validateItem(schema, { clientId: "x" })).toBeUndefined();
    expect(validateItem(schema, { clientId: "x", subscriptions: null, more: 1 })).toBeUndefined();
    expect(validateItem(schema, { clientId: "12345", subscriptions: ["abc", ""] })).toBeUndefined();
  });

  const cases: [name: string, value: unknown, errors: unknown][] = [
    ["a missing field", {}, { clientId: BLANK }],
    ["a null field", { clientId: null }, { clientId: BLANK }],
    ["an empty field", { clientId: "" }, { clientId: BLANK }],
    ["a field too long", { clientId: "123456" }, { clientId: tooLong(5) }],
    ["a field of another type", { clientId: 7 }, { clientId: wrongType("a string") }],
    [
      "a value that is not a list",
      { clientId: "x", subscriptions: "a" },
      { subscriptions: wrongType("an array") },
    ],
    [
      "a list too long",
      { clientId: "x", subscriptions: ["a", "b", "c"] },
      { subscriptions: tooLong(2) },
    ],
    [
      "items, keyed by their index",
      { clientId: "x", subscriptions: ["1234", 5] },
      { subscriptions: { 0: tooLong(3), 1: wrongType("a string") } },
    ],
    [
      "an item that is null",
      { clientId: "x", subscriptions: ["a", null] },
      { subscriptions: { 1: BLANK } },
    ],
    [
      "a word that is not on the list",
      { clientId: "x", kind: "c" },
      { kind: { code: "validation_in_invalid", message: "Must be one of: a, b." } },
    ],
    [
      "a rule of our own",
      { clientId: "x", even: 3 },
      { even: { code: "validation_match_invalid", message: "Must be even." } },
    ],
    [
      "an inner field, also one that is called code",
      { clientId: "x", inner: { flag: "yes" } },
      { inner: { code: BLANK, flag: wrongType("a boolean") } },
    ],
    ["several fields at once", { kind: "c" }, { clientId: BLANK, kind: expect.anything() }],
    ["the whole, when it is nothing", null, { body: BLANK }],
    ["the whole, when it is undefined", undefined, { body: BLANK }],
    ["the whole, when it is text", "x", { body: wrongType("an object") }],
    ["the whole, when it is a list", [], { body: wrongType("an object") }],
  ];
  for (const [name, value, errors] of cases) {
    it(`report ${name}`, () => {
      expect(validateItem(schema, value)).toEqual(errors as Record<string, never>);
    });
  }

  it("of a whole list replace those of its items", () => {
    const value = { clientId: "x", subscriptions: ["1234", "1234", "1234"] };
    expect(validateItem(schema, value)).toEqual({ subscriptions: tooLong(2) });
  });

  it("of a whole object replace those of its fields", () => {
    const inner = object({ name: v.pipe(v.string(), v.maxLength(1)) });
    const strict = object({
      inner: v.pipe(
        inner,
        v.check(() => false, "Not that one."),
      ),
    });
    expect(validateItem(strict, { inner: { name: "xx" } })).toEqual({
      inner: { code: "validation_match_invalid", message: "Not that one." },
    });
  });

  it("of one field are those of its first error", () => {
    const strict = object({ name: v.pipe(v.string(), v.maxLength(3), v.regex(/^a/)) });
    expect(validateItem(strict, { name: "bbbb" })).toEqual({ name: tooLong(3) });
  });
});

describe("the errors of an inner object", () => {
  const inner = strictObject({ label: v.string(), size: v.optional(v.number()) });
  const outer = strictObject({
    name: v.union([v.pipe(v.string(), v.maxLength(3)), inner]),
    more: v.optional(inner),
  });
  const unknown = (text: string) => ({
    code: "validation_unknown_field",
    message: expect.stringContaining(text),
  });

  it("name the nearest of its own fields for an unknown field", () => {
    const value = { name: { label: "a", siz: 1 }, more: { label: "a", labl: "b" } };
    expect(validateItem(outer, value)).toEqual({
      name: { siz: unknown('Did you mean "size"?') },
      more: { labl: unknown('Did you mean "label"?') },
    });
  });

  it("come before those of the fields beside an unknown field", () => {
    const errors = validateItem(outer, { name: { labl: "a" } });
    expect(errors).toEqual({ name: { labl: unknown("label"), label: BLANK } });
    expect(invalidInput(errors ?? {}).message).toContain("name.labl:");
  });

  it("are those of the union's option with the value's type", () => {
    expect(validateItem(outer, { name: "abcd" })).toEqual({ name: tooLong(3) });
    const faulty = { label: 1, size: "1" };
    expect(validateItem(outer, { name: faulty })).toEqual({
      name: { label: wrongType("a string"), size: wrongType("a number") },
    });
    expect(validateItem(outer, { name: 5 })).toEqual({ name: wrongType("a string or an object") });
    expect(validateItem(outer, { name: null })).toEqual({ name: BLANK });
  });

  it("are kept for names of inherited properties", () => {
    const text = '{"name":{"label":"a","__proto__":1,"toString":1}}';
    const errors = validateItem(outer, JSON.parse(text));
    const faults = Object(errors).name;
    expect(Object.keys(faults)).toEqual(["__proto__", "toString"]);
    expect(JSON.parse(JSON.stringify(faults)).toString.code).toBe("validation_unknown_field");
  });
});

describe("validate", () => {
  it("gives what was checked, without what the schema does not know", () => {
    expect(validate(schema, { clientId: "x", more: 1 })).toEqual({ clientId: "x" });
  });

  it("throws invalid_input with every error, and the first error as text", () => {
    let error: unknown;
    try {
      validate(schema, { clientId: "123456", kind: "c" });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RealtimeError);
    expect(error).toMatchObject({
      code: "invalid_input",
      message: "The request is not valid. clientId: The length must be no more than 5.",
      fields: { clientId: tooLong(5), kind: { code: "validation_in_invalid" } },
    });
  });

  it("does not change what it checks", () => {
    const value = Object.freeze({ clientId: "x", subscriptions: Object.freeze(["a"]), more: 1 });
    validate(schema, value);
    expect(value).toEqual({ clientId: "x", subscriptions: ["a"], more: 1 });
  });
});

describe("invalidInput", () => {
  it("names the first error by its path", () => {
    const fields = { messages: { 3: { topic: BLANK } }, other: tooLong(1) };
    const error = invalidInput(fields);
    expect(error.message).toBe("The request is not valid. messages.3.topic: Cannot be blank.");
    expect(error.fields).toEqual(fields);
    expect(error.code).toBe("invalid_input");
  });

  it("has a message even without an error", () => {
    expect(invalidInput({}).message).toBe("The request is not valid. A value is not valid.");
  });
});
