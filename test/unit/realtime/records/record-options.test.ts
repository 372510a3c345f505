import { describe, expect, it } from "vitest";
import { readRecordOptions } from "../../../../src/realtime/records/record-options.ts";
import { parseSubscription } from "../../../../src/realtime/subscriptions/subscription-key.ts";

const options = (query: Record<string, string>) => ({ query, headers: {} });
const read = (query: Record<string, string>) => readRecordOptions(options(query));

describe("the options of a subscription", () => {
  it("are all optional", () => {
    const none = {
      filter: undefined,
      fields: undefined,
      actions: undefined,
      changed: undefined,
      leave: false,
      envelope: undefined,
    };
    expect(read({})).toEqual(none);
    const empty = {
      filter: "",
      fields: " ",
      actions: " , ",
      changed: ",,",
      leave: "",
      envelope: "",
    };
    expect(read(empty)).toEqual(none);
    expect(read({ Filter: "a = 1", other: "x" })).toEqual(none);
  });

  it("are refused as a list or an object, and a filter of spaces is not left out", () => {
    for (const name of ["filter", "fields", "actions", "changed", "leave", "envelope"]) {
      const { options: parsed } = parseSubscription(`a?options={"query":{"${name}":["x"],"b":{}}}`);
      expect(() => readRecordOptions(parsed), name).toThrow(
        `The option "${name}" is a list or an object.`,
      );
    }
    expect(read({ filter: " " }).filter).toBe(" ");
  });

  it("refuse a path in changed, because fields are compared as a whole", () => {
    expect(() => read({ changed: "title,meta.price" })).toThrow('contains "meta.price"');
  });

  it("keep filter and fields as they are, and split lists", () => {
    const query = {
      filter: " a = 1 ",
      fields: "a, b",
      actions: "create, delete",
      changed: " a ,b,",
      leave: "1",
    };
    expect(read(query)).toEqual({
      filter: " a = 1 ",
      fields: "a, b",
      actions: new Set(["create", "delete"]),
      changed: ["a", "b"],
      leave: true,
    });
  });

  it.each([
    ["true", true],
    ["1", true],
    ["false", false],
    ["0", false],
  ])("read %j in leave and envelope as %j", (text, value) => {
    expect(read({ leave: text, envelope: text })).toMatchObject({ leave: value, envelope: value });
  });

  it.each([
    [{ actions: "create,leave" }, '"leave"'],
    [{ actions: "Create" }, '"Create"'],
    [{ actions: "constructor" }, '"constructor"'],
    [{ leave: "yes" }, "leave"],
    [{ envelope: "yes" }, '"envelope" must be true or false'],
    [{ envelope: "True" }, "envelope"],
    [{ changed: "a,".repeat(101) }, "100 fields"],
  ])("are refused if they are %j", (query, words) => {
    expect(() => read(query as Record<string, string>)).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(words) }),
    );
  });

  it("may have 100 fields in changed", () => {
    expect(read({ changed: "a,".repeat(100) }).changed).toHaveLength(100);
  });
});
