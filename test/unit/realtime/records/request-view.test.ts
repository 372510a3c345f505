import { describe, expect, it } from "vitest";
import type { RecordData } from "../../../../src/realtime/records/collection.ts";
import { compileFilter, type FilterContext } from "../../../../src/realtime/records/filter.ts";
import { positionOf } from "../../../support/filter-errors.ts";

const holds = (rule: string, context: FilterContext = {}, record: RecordData = {}) =>
  compileFilter(rule, {}, "rule")(record, context);

const own = (name: string, value: unknown) => Object.fromEntries([[name, value]]);

describe("@request in a rule", () => {
  it("has the values of realtime subscriptions", () => {
    expect(holds("@request.context = 'realtime' && @request.method = 'GET'")).toBe(true);
    expect(holds("@request.body.a = '' && @request.body.a = null")).toBe(true);
    expect(holds("@request.body.a:isset = true")).toBe(false);
    expect(holds("@request.body.t:changed = true", {}, { t: "a" })).toBe(false);
    expect(holds("@request.body.l:length = 0", {}, { l: ["a"] })).toBe(true);
  });

  it("reads the user, and null for a guest", () => {
    const auth = {
      id: "u1",
      role: "Editor",
      verified: true,
      level: 3,
      groups: ["a", "b"],
      data: { a: { b: 1 } },
    };
    const rules = [
      "@request.auth.id = 'u1'",
      "@request.auth.role = 'Editor'",
      "@request.auth.role:lower = 'editor'",
      "@request.auth.verified = true",
      "@request.auth.level > 2",
      "@request.auth.groups:each ?= 'b'",
      "@request.auth.groups:length = 2",
      "@request.auth.data.a.b = 1",
    ];
    for (const rule of rules) {
      expect(holds(rule, { auth }), rule).toBe(true);
      expect(holds(rule, { auth: null }), rule).toBe(false);
    }
    expect(holds("@request.auth.id = ''")).toBe(true);
    expect(holds("@request.auth.role != 'admin'"), "a guest is no admin").toBe(true);
    expect(holds("author = @request.auth.id", {}, { author: "" })).toBe(true);
  });

  it("reads the query and headers of the subscription's options as texts", () => {
    const context = { query: { a: "x", n: "5", o: {} }, headers: { x_token: "T" } };
    expect(holds("@request.query.a = 'x' && @request.headers.x_token:lower = 't'", context)).toBe(
      true,
    );
    expect(holds("@request.query.o = '' && @request.query.o:isset = true", context)).toBe(true);
    expect(holds("@request.query.b = null && @request.query.b:isset = false", context)).toBe(true);
    expect(holds("@request.query.a.b = null", context)).toBe(true);
    expect(holds("n = @request.query.n", context, { n: 5 })).toBe(true);
    expect(holds("n > @request.query.n", context, { n: 40 })).toBe(true);
    expect(positionOf(() => holds("a = 1 || @request.query.a:each = 1", context))).toBe(9);
  });

  it.each(["__proto__", "constructor", "hasOwnProperty", "toString"])(
    "finds %s only among the request's own values",
    (name) => {
      for (const source of ["query", "headers"]) {
        expect(holds(`@request.${source}.${name}:isset = false`)).toBe(true);
        expect(holds(`@request.${source}.${name} = null`)).toBe(true);
        expect(holds(`@request.${source}.${name} = 'x'`, { [source]: own(name, "x") })).toBe(true);
      }
      expect(holds(`@request.auth.${name} = null`, { auth: { id: "u" } })).toBe(true);
      expect(holds(`@request.auth.data.${name} = null`, { auth: { data: {} } })).toBe(true);
      expect(holds(`@request.auth.${name} = 'x'`, { auth: own(name, "x") })).toBe(true);
    },
  );

  it("is not for clients, not even within a text", () => {
    for (const filter of ["@request.auth.id = 1", "a = '@request.x'", "@collection.a.b = 1"]) {
      expect(positionOf(() => compileFilter(filter))).toBe(filter.indexOf("@"));
    }
  });
});
