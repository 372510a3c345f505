import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Selections } from "../../../../src/realtime/records/selection.ts";
import {
  maySelect,
  parseSubscription,
} from "../../../../src/realtime/subscriptions/subscription-key.ts";
import { positionOf } from "../../../support/filter-errors.ts";

const OPTIONS = ["filter", "fields", "actions", "changed", "leave", "envelope"];

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");
const percent = (code: number) => `%${hex(code, 2)}`;

/** The ways to write an ASCII letter in the options of a key: as it is, URI-encoded, or as an escape of JSON. */
const anyLetter = (letter: string) => {
  const code = letter.charCodeAt(0);
  const unicode = `u${hex(code, 4)}`;
  return fc.constantFrom(
    letter,
    percent(code),
    percent(code).toUpperCase(),
    `\\${unicode}`,
    `\\${unicode.toUpperCase().replace("U", "u")}`,
    `%5C${unicode}`,
    `%5c${[...unicode].map((character) => percent(character.charCodeAt(0))).join("")}`,
  );
};

const anyName = fc
  .constantFrom(...OPTIONS, "other", "last", "token")
  .chain((name) => fc.tuple(fc.constant(name), fc.tuple(...[...name].map(anyLetter))))
  .map(([name, letters]) => ({ name, written: letters.join("") }));

const keyOf = (options: object) => `posts/*?options=${encodeURIComponent(JSON.stringify(options))}`;

describe("maySelect", () => {
  it("is true for every way to write the name of an option that selects", () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom('"', "%22"), ({ name, written }, quote) => {
        const key = `a?options={${quote}query${quote}:{${quote}${written}${quote}:${quote}1${quote}}}`;
        expect(parseSubscription(key).options.query).toEqual({ [name]: "1" });
        if (OPTIONS.includes(name)) expect(maySelect(key)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("is true if a single letter of a name is encoded", () => {
    for (const name of OPTIONS) {
      for (const [index, letter] of [...name].entries()) {
        const written =
          name.slice(0, index) + percent(letter.charCodeAt(0)) + name.slice(index + 1);
        const key = `a?options={"query":{"${written}":"1"}}`;
        expect(Object.keys(parseSubscription(key).options.query)).toEqual([name]);
        expect(maySelect(key), key).toBe(true);
      }
    }
  });

  it("is false for keys without options, and for options of other kinds", () => {
    for (const key of [
      "filter",
      "posts/*",
      "a?x=1",
      'a?options={"query":{"last":"5"}}',
      "a?options=%7B%22query%22%3A%7B%7D%7D",
    ]) {
      expect(maySelect(key), key).toBe(false);
    }
  });
});

describe("the selections of subscription keys", () => {
  it("are undefined for keys without options", () => {
    const selections = new Selections();
    for (const key of ["posts/*", "posts?filter=1", "filter"]) {
      expect(selections.of(key)).toBeUndefined();
      expect(selections.check(key)).toBeUndefined();
    }
  });

  it("are compiled once, with one filter for all keys that have its text", () => {
    const selections = new Selections();
    const a = selections.of(keyOf({ query: { filter: "a = 1" } }));
    const b = selections.of(keyOf({ query: { filter: "a = 1", fields: "id" } }));
    expect(selections.of(keyOf({ query: { filter: "a = 1" } }))).toBe(a);
    expect(b?.filter).toBe(a?.filter);
    expect([a?.pick, b?.pick?.({ id: "1", a: 1 })]).toEqual([undefined, { id: "1" }]);
    expect(a?.request).toEqual({ query: { filter: "a = 1" }, headers: {} });
  });

  it("give the values of the options to rules, whatever their names", () => {
    const key = 'a?options={"query":{"__proto__":"x","team":1},"headers":{"X-Token":"t"}}';
    const { query, headers } = new Selections().of(key)?.request ?? {};
    expect(Object.entries(query ?? {})).toEqual([
      ["__proto__", "x"],
      ["team", "1"],
    ]);
    expect(headers).toEqual({ x_token: "t" });
  });

  it("refuse options that can't be read", () => {
    const selections = new Selections();
    for (const check of [
      (key: string) => selections.of(key),
      (key: string) => selections.check(key),
    ]) {
      expect(positionOf(() => check(keyOf({ query: { filter: "a = 1 &&" } })))).toBe(8);
      const wrong: [key: string, code: string][] = [
        [keyOf({ query: { fields: "a:b" } }), "invalid_fields"],
        [keyOf({ query: { actions: "x" } }), "invalid_input"],
        ["a?options={", "invalid_input"],
        ["a?options=[]", "invalid_input"],
        ["a?options=%", "invalid_input"],
        ["a?options=filter", "invalid_input"],
      ];
      for (const [key, code] of wrong) {
        expect(() => check(key), key).toThrow(expect.objectContaining({ code }));
      }
    }
  });

  it("of long filters are kept up to a size", () => {
    const selections = new Selections();
    const key = (index: number) =>
      keyOf({ query: { filter: `a = '${"x".repeat(2_000)}${index}'` } });
    const first = selections.of(key(0));
    for (let index = 1; index < 200; index++) selections.of(key(index));
    expect(selections.of(key(0))).toBe(first);
    for (let index = 200; index < 600; index++) selections.of(key(index));
    expect(selections.of(key(0))).not.toBe(first);
    expect(selections.of(key(0))?.filter).not.toBe(first?.filter);
  });

  it("are kept for the 10,000 keys that were used last", () => {
    const selections = new Selections();
    const key = (index: number) => keyOf({ query: { actions: "create", index } });
    const first = selections.of(key(0));
    for (let index = 1; index < 10_000; index++) selections.of(key(index));
    expect(selections.of(key(0))).toBe(first);
    const second = selections.of(key(1));
    for (let index = 10_000; index < 20_000; index++) selections.of(key(index));
    expect(selections.of(key(0))).not.toBe(first);
    expect(selections.of(key(1))).not.toBe(second);
  });
});
