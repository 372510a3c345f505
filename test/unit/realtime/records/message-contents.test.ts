import { describe, expect, it } from "vitest";
import { createMessage } from "../../../../src/realtime/message.ts";
import { MessageContents } from "../../../../src/realtime/records/message-contents.ts";
import { EVERYONE } from "../../../../src/realtime/records/viewer.ts";
import type { LogFields } from "../../../../src/realtime/types.ts";
import { subscribed } from "../../../support/message-content.ts";

const keyOf = (topic: string, query: Record<string, string>) =>
  `${topic}?options=${encodeURIComponent(JSON.stringify({ query }))}`;

const entryOf = (cursor: string, data: unknown) => ({
  cursor,
  at: 0,
  message: createMessage({ topic: "a", data }),
});

describe("the contents of a service's messages", () => {
  it("check the options of keys, and name the key that is wrong", () => {
    const contents = new MessageContents();
    const good = keyOf("posts/*", { filter: "a = 1", fields: "id" });
    expect(() => contents.check([good, "posts/*", "a?b"], false)).not.toThrow();
    const wrong: [query: Record<string, string>, code: string, position: number | undefined][] = [
      [{ filter: "a = 1 &" }, "invalid_filter", 6],
      [{ fields: "a:b" }, "invalid_fields", 2],
      [{ actions: "x" }, "invalid_input", undefined],
      [{ leave: "x" }, "invalid_input", undefined],
    ];
    for (const [query, code, position] of wrong) {
      const expected = {
        code,
        position,
        fields: { subscriptions: { 1: { code: `validation_${code}` } } },
      };
      expect(() => contents.check([good, keyOf("b", query)], false)).toThrow(
        expect.objectContaining({ code }),
      );
      try {
        contents.check([good, keyOf("b", query)], true);
      } catch (error) {
        expect(error).toMatchObject(expected);
      }
    }
    expect(() => contents.check(["a?options={"], false)).toThrow(
      expect.objectContaining({ code: "invalid_input" }),
    );
  });

  it("refuse the names of hidden fields, except from administrators", () => {
    const contents = new MessageContents({
      posts: { id: "p1", hidden: ["secret"] },
      "*": { hidden: ["other"] },
    });
    const refused = [
      keyOf("posts/*", { filter: "a = 1 || secret:lower = 'a'" }),
      keyOf("posts", { filter: "secret.a = 1" }),
      keyOf("p1/r1", { filter: "geoDistance(1, secret, 2, 3) > 1" }),
      keyOf("posts/*", { changed: "title,secret" }),
      keyOf("users/*", { filter: "other = 1" }),
      keyOf("*", { changed: "other" }),
    ];
    for (const key of refused) {
      expect(() => contents.check([key], false), key).toThrow(/"(secret|other)" can't be used/);
      expect(() => contents.check([key], true), key).not.toThrow();
    }
    const accepted = [
      keyOf("posts/*", { filter: "title = 'secret' && data.secret = 1" }),
      keyOf("users/*", { filter: "secret = 1", changed: "secret" }),
    ];
    expect(() => contents.check(accepted, false)).not.toThrow();
  });

  it("refuse filters of more than 100,000 characters together", () => {
    const contents = new MessageContents();
    const key = (index: number) =>
      keyOf("a", { filter: `a = '${"x".repeat(1_990)}${index % 10}'` });
    const keys = Array.from({ length: 51 }, (_, index) => key(index));
    expect(() => contents.check(keys.slice(1), true)).not.toThrow();
    try {
      contents.check(keys, true);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "invalid_input", fields: { subscriptions: { 50: {} } } });
    }
  });

  it("keep the contents of the messages that were read last", () => {
    const contents = new MessageContents();
    const entries = Array.from({ length: 65 }, (_, index) => entryOf(`c${index}`, index));
    const [first, second] = entries;
    if (first === undefined || second === undefined) throw new Error("There are entries.");
    const kept = entries.map((entry) => contents.kept(entry));
    expect(contents.kept(second)).toBe(kept[1]);
    expect(contents.kept(first), "the oldest of 65").not.toBe(kept[0]);
    expect(contents.of(second)).not.toBe(kept[1]);
  });

  it("keep at most 1,048,576 characters of data", () => {
    const contents = new MessageContents();
    const half = entryOf("half", "x".repeat(600_000));
    const first = contents.kept(half);
    expect(contents.kept(half)).toBe(first);
    const other = entryOf("other half", "x".repeat(600_000));
    const second = contents.kept(other);
    expect(contents.kept(half)).not.toBe(first);
    expect(contents.kept(other)).not.toBe(second);
    const large = entryOf("large", "x".repeat(1_100_000));
    expect(contents.kept(large)).not.toBe(contents.kept(large));
  });

  it("log the first failure of each of 1,000 keys, without the data", () => {
    const lines: [string, LogFields | undefined][] = [];
    const ignore = () => {};
    const logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (msg: string, fields?: LogFields) => lines.push([msg, fields]),
    };
    const contents = new MessageContents({}, logger);
    const fail = (index: number) => {
      const key = keyOf("a", { filter: `missing${index} = 1` });
      return contents.of(entryOf("c", { text: "private" })).dataFor(subscribed(key), EVERYONE);
    };
    expect(fail(0)).toBeUndefined();
    fail(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.[0]).toBe("filter or rule failed");
    expect(lines[0]?.[1]?.error).toContain('no field "missing0"');
    expect(JSON.stringify(lines)).not.toContain("private");
    for (let index = 1; index < 1_100; index++) fail(index);
    expect(lines).toHaveLength(1_000);
  });

  it("refuse rules that can't be compiled", () => {
    const rules = { posts: { listRule: "a = " } };
    expect(() => new MessageContents(rules)).toThrow(
      expect.objectContaining({ code: "invalid_config" }),
    );
  });
});
