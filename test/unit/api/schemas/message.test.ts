import { describe, expect, it } from "vitest";
import { createMessageParser } from "../../../../src/api/schemas/message.ts";
import { FIELD_TYPES } from "../../../../src/realtime/records/collection.ts";

const MAX_BYTES = 20_000;
const parse = createMessageParser({
  maxTopicLength: 2500,
  maxBatch: 10,
  maxMessageBytes: MAX_BYTES,
});

const event = (rest: object) => ({
  collection: "posts",
  action: "update",
  record: { id: "r1" },
  ...rest,
});

/** The error of an input, which must be refused. */
function errorOf(input: unknown): { readonly message: string; readonly fields: unknown } {
  try {
    parse(input);
  } catch (error) {
    return error as ReturnType<typeof errorOf>;
  }
  throw new Error(`This was accepted: ${JSON.stringify(input)}`);
}

const faultsOf = (rest: object) => errorOf(event(rest)).fields;
const fault = (code: string, text = "") => ({
  code: `validation_${code}`,
  message: expect.stringContaining(text),
});

describe("the collection of a record event", () => {
  const faultsOfDescription = (rest: object) =>
    faultsOf({ collection: { name: "posts", ...rest } });

  it("is a name, or a description that the message carries unchanged", () => {
    const fields = Object.fromEntries(FIELD_TYPES.map((type, index) => [`field${index}`, type]));
    const whole = { id: "c1", name: "posts", type: "auth", fields, hidden: ["secret", "secret"] };
    for (const collection of ["posts", { name: "posts" }, { name: "posts", fields: {} }, whole]) {
      const [message] = parse(event({ collection }));
      const change = JSON.parse(message?.change ?? "");
      const name = typeof collection === "string" ? { name: collection } : collection;
      expect(change).toEqual({ collection: name });
    }
  });

  it("has no other type than a string or an object", () => {
    for (const collection of [5, true, [], ["posts"]]) {
      expect(faultsOf({ collection })).toEqual({
        collection: fault("invalid_type", "a string or an object"),
      });
    }
    expect(faultsOf({ collection: null })).toEqual({ collection: fault("required") });
  });

  it("has a name, and the rules for names hold for its id too", () => {
    expect(faultsOf({ collection: { id: "c1" } })).toEqual({
      collection: { name: fault("required") },
    });
    for (const field of ["name", "id"]) {
      const wrong: [value: unknown, expected: object][] = [
        ["", fault("required")],
        ["x".repeat(256), fault("length_too_long", "255")],
        ["a\nb", fault("match_invalid", "line break")],
        ["PB_CONNECT", fault("match_invalid", "reserved")],
        [7, fault("invalid_type", "a string")],
      ];
      for (const [value, expected] of wrong) {
        expect(faultsOfDescription({ [field]: value })).toEqual({
          collection: { [field]: expected },
        });
      }
    }
  });

  it("has no unknown field, and the error names the nearest one", () => {
    expect(faultsOfDescription({ hiden: [] })).toEqual({
      collection: { hiden: fault("unknown_field", 'Did you mean "hidden"?') },
    });
    expect(faultsOfDescription({ type: "view" })).toEqual({
      collection: { type: fault("in_invalid", "base, auth") },
    });
    const inherited = errorOf(
      event(JSON.parse('{"collection":{"name":"posts","__proto__":{},"toString":1}}')),
    );
    expect(inherited.message).toContain("collection.__proto__: This field is unknown.");
    expect(JSON.stringify(inherited.fields)).toMatch(
      /^\{"collection":\{"__proto__":\{.*\},"toString":\{.*\}\}\}$/,
    );
  });

  it("has fields of known types", () => {
    for (const type of ["selct", "select []", "Select", "", 1, null, {}, undefined]) {
      expect(faultsOfDescription({ fields: { ok: "text", tags: type } })).toEqual({
        collection: { fields: { tags: fault("in_invalid", "select, select[], file") } },
      });
    }
    for (const fields of [[], "json", 5]) {
      expect(faultsOfDescription({ fields })).toEqual({
        collection: { fields: fault("invalid_type", "an object") },
      });
    }
  });

  it("may have a field with the name of an inherited property, and its type is checked", () => {
    for (const name of ["__proto__", "toString", "constructor", "hasOwnProperty", "code"]) {
      const described = (type: string) => ({
        name: "posts",
        fields: JSON.parse(`{"${name}":"${type}"}`),
      });
      const [message] = parse(event({ collection: described("json") }));
      expect(message?.change).toContain(`"fields":{"${name}":"json"}`);
      const { message: text, fields } = errorOf(event({ collection: described("jason") }));
      expect(text).toContain(`collection.fields.${name}: Must be one of`);
      expect(JSON.stringify(fields)).toContain(`{"fields":{"${name}":{"code":`);
    }
  });

  it("has at most 200 fields and 200 hidden fields", () => {
    const names = Array.from({ length: 201 }, (_, index) => `field${index}`);
    const fields = (list: readonly string[]) =>
      Object.fromEntries(list.map((name) => [name, "text"]));
    const [message] = parse(
      event({
        collection: { name: "posts", fields: fields(names.slice(1)), hidden: names.slice(1) },
      }),
    );
    expect(Object.keys(JSON.parse(message?.change ?? "").collection.fields)).toHaveLength(200);
    expect(faultsOfDescription({ fields: fields(names), hidden: names })).toEqual({
      collection: {
        fields: fault("length_too_long", "200"),
        hidden: fault("length_too_long", "200"),
      },
    });
  });

  it("has names of fields with 1 to 255 characters", () => {
    const [most, more] = ["x".repeat(255), "x".repeat(256)];
    parse(event({ collection: { name: "posts", fields: { [most]: "text" }, hidden: [most] } }));
    expect(faultsOfDescription({ fields: { [more]: "text" }, hidden: ["a", more] })).toEqual({
      collection: {
        fields: { [most]: fault("length_too_long", "255") },
        hidden: { 1: fault("length_too_long", "255") },
      },
    });
    expect(faultsOfDescription({ fields: { "": "text" }, hidden: [""] })).toEqual({
      collection: { fields: { "": fault("required") }, hidden: { 0: fault("required") } },
    });
    expect(faultsOfDescription({ hidden: [5] })).toEqual({
      collection: { hidden: { 0: fault("invalid_type", "a string") } },
    });
    expect(faultsOfDescription({ hidden: "secret" })).toEqual({
      collection: { hidden: fault("invalid_type", "an array") },
    });
  });

  it("gives a short error, however many fields are wrong", () => {
    const names = Array.from({ length: 200 }, (_, index) => index);
    const fields = Object.fromEntries(names.map((name) => [name, 1]));
    const faults = faultsOfDescription({ fields, hidden: names });
    expect(JSON.stringify(faults).length).toBeLessThan(1000);
  });
});

describe("the previous record of a record event", () => {
  it("is carried by the message, and is not part of its data", () => {
    const previous = { id: "r1", title: "old", anything: [null] };
    const [message] = parse(event({ previous }));
    expect(JSON.parse(message?.change ?? "").previous).toEqual(previous);
    expect(JSON.parse(message?.data ?? "")).toEqual({ action: "update", record: { id: "r1" } });
  });

  it("is refused for another action than an update", () => {
    for (const action of ["create", "delete"]) {
      expect(faultsOf({ action, previous: { id: "r1" } })).toEqual({
        previous: fault("match_invalid", "Only an update"),
      });
    }
  });

  it("has the id of the record", () => {
    expect(faultsOf({ previous: { id: "r2" } })).toEqual({
      previous: { id: fault("match_invalid", "id of the record") },
    });
    expect(faultsOf({ previous: {} })).toEqual({ previous: { id: fault("required") } });
    for (const previous of ["r1", ["r1"], 5]) {
      expect(faultsOf({ previous })).toEqual({ previous: fault("invalid_type", "an object") });
    }
  });

  it("is named by the error for a misspelt field", () => {
    expect(faultsOf({ previos: { id: "r1" } })).toEqual({
      previos: fault("unknown_field", 'Did you mean "previous"?'),
    });
  });
});

describe("the size of a record event", () => {
  it("counts the record, the collection and the previous record together, in UTF-8", () => {
    const sized = (characters: number) =>
      event({ previous: { id: "r1", text: "ü".repeat(characters) } });
    const [message] = parse(sized(0));
    const spare = MAX_BYTES - `${message?.data}${message?.change}`.length;
    parse(sized(Math.floor(spare / 2)));
    expect(errorOf(sized(Math.floor(spare / 2) + 1))).toMatchObject({
      code: "too_large",
      message: expect.stringMatching(/record of message 0, its collection and its previous record/),
    });
  });
});
