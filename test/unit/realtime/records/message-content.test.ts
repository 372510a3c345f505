import { describe, expect, it } from "vitest";
import { viewerOf } from "../../../../src/realtime/records/viewer.ts";
import {
  ADMINISTRATOR,
  contentOf,
  countEvaluations,
  GUEST,
  keyWith,
  receive,
  subscribed,
} from "../../../support/message-content.ts";

const post = {
  collection: "posts",
  action: "update",
  record: { id: "r1", owner: "u1", status: "open", title: "x" },
} as const;

const users = Array.from({ length: 20 }, (_, index) => viewerOf({ auth: { id: `u${index}` } }));

describe("the content of a message", () => {
  it("is the message itself for keys without options", () => {
    const content = contentOf({ topic: "a", data: { a: 1 } });
    const outcome = content.outcomeFor(subscribed("a"));
    expect(outcome).toEqual({ isUniform: true, data: '{"a":1}' });
    expect(content.outcomeFor(subscribed("a?x=1"))).toBe(outcome);
    expect(content.takeCost()).toBe(0);
  });

  it("is decided once for each key if all viewers see the same", async () => {
    const content = contentOf(post);
    const keys = ["status = 'open'", "status = 'closed'"].map((filter) =>
      keyWith("posts/*", { filter }),
    );
    const count = await countEvaluations(() => {
      for (const key of keys) {
        for (const viewer of [...users, GUEST, ADMINISTRATOR]) {
          const outcome = content.outcomeFor(subscribed(key));
          expect(outcome).toEqual({
            isUniform: true,
            data: content.dataFor(subscribed(key), viewer),
          });
        }
      }
    });
    expect(count).toBe(2);
  });

  it.each([
    ["a rule that reads the record", "status = 'open'", 1 + 1],
    ["a rule that reads the user", "owner = @request.auth.id", 20 + 1],
    ["a rule that reads the options", "status = @request.query.status", 3],
    [
      "a rule that reads both",
      "status = @request.query.status && owner = @request.auth.id",
      3 * 21,
    ],
  ])(
    "with %s is decided as often as there are different answers",
    async (_, listRule, expected) => {
      const content = contentOf(post, { posts: { listRule, viewRule: null } });
      const keys = ["open", "closed", "new"].map((status) => keyWith("posts/*", { status }));
      const count = await countEvaluations(() => {
        for (let round = 0; round < 3; round++) {
          for (const key of keys) {
            expect(content.outcomeFor(subscribed(key))).toEqual({ isUniform: false });
            for (const viewer of [...users, GUEST, ADMINISTRATOR])
              content.dataFor(subscribed(key), viewer);
          }
        }
      });
      // Administrators need no evaluation, and "user" stands for all others if the rule does not read the user.
      expect(count).toBe(expected === 2 ? 1 : expected);
    },
  );

  it("is filtered once for each distinct filter, whatever the keys and users", async () => {
    const content = contentOf(post, { posts: { listRule: "@request.auth.id != ''" } });
    const keys = ["id", "title"].map((fields) =>
      keyWith("posts/*", { fields, filter: "title = 'x'" }),
    );
    const decide = (index: number) => {
      for (const key of keys) receive(content, key, { auth: { id: `u${index}` } });
    };
    expect(await countEvaluations(() => decide(0)), "the rule and the filter").toBe(2);
    expect(await countEvaluations(() => decide(1)), "the rule for another user").toBe(1);
    for (const key of keys) receive(content, key, { isAdmin: true });
    expect(await countEvaluations(() => decide(1))).toBe(0);
  });

  it("is decided again after its memory was released", async () => {
    const content = contentOf(post, { posts: { listRule: "status = 'open'" } });
    const key = keyWith("posts/*", { filter: "title = 'x'" });
    const decide = () => receive(content, key);
    expect(await countEvaluations(decide)).toBe(2);
    expect(await countEvaluations(decide)).toBe(0);
    content.release();
    expect(await countEvaluations(decide)).toBe(2);
    expect(decide()).toMatchObject({ record: { id: "r1" } });
  });

  it("keeps at most 10,000 decisions", async () => {
    const content = contentOf(post, { posts: { listRule: "owner = @request.auth.id" } });
    const decide = (index: number) =>
      countEvaluations(() => receive(content, "posts/*", { auth: { id: `u${index}` } }));
    expect(await decide(0)).toBe(1);
    for (let index = 1; index < 9_999; index++)
      receive(content, "posts/*", { auth: { id: `u${index}` } });
    expect(await decide(0), "it is kept").toBe(0);
    await decide(9_999);
    await decide(10_000);
    expect(await decide(0), "it was released").toBe(1);
  });

  it("keeps at most about 1,048,576 characters of texts", async () => {
    const content = contentOf({
      topic: "a",
      data: { id: "1", text: "x".repeat(300_000), other: 1 },
    });
    const decide = (index: number) =>
      countEvaluations(() =>
        receive(content, keyWith("a", { fields: "text", filter: `other != ${index}` })),
      );
    expect(await decide(2)).toBe(1);
    expect(await decide(2)).toBe(0);
    for (let index = 3; index < 7; index++) await decide(index);
    expect(await decide(2)).toBe(1);
  });

  it("has the cost of its decisions", () => {
    const content = contentOf({
      topic: "a",
      data: { tags: Array.from({ length: 8_000 }, () => "a") },
    });
    content.outcomeFor(subscribed(keyWith("a", { filter: "tags:each ?= 'b'" })));
    expect(content.takeCost()).toBe(2 + 1_000);
    expect(content.takeCost()).toBe(0);
    content.outcomeFor(subscribed(keyWith("a", { filter: "tags:each ?= 'b'" })));
    expect(content.takeCost(), "the decision is kept").toBe(0);
  });

  it("is not sent if a filter fails, and other keys are not affected", () => {
    const content = contentOf(post);
    expect(
      receive(content, keyWith("posts/*", { filter: "missing = 1 || status = 'open'" })),
    ).toBeUndefined();
    expect(receive(content, "posts/*")).toEqual({ action: "update", record: post.record });
  });

  it("has the clock of the message in its macros", () => {
    const at = Date.parse("2024-02-29T09:00:00Z");
    const content = contentOf({ topic: "a", data: { day: "2024-02-29 09:00:00.000Z" } }, {}, at);
    expect(receive(content, keyWith("a", { filter: "day = @now && @day = 29" }))).toBeDefined();
    const rules = { posts: { listRule: "@year = 2024" } };
    expect(receive(contentOf(post, rules, at), "posts/*")).toBeDefined();
    expect(receive(contentOf(post, rules, at + 366 * 86_400_000), "posts/*")).toBeUndefined();
  });
});
