import { describe, expect, it } from "vitest";
import type { RecordInput } from "../../../../src/realtime/message.ts";
import type { CollectionRules } from "../../../../src/realtime/records/collection.ts";
import {
  ADMINISTRATOR,
  contentOf,
  GUEST,
  keyWith,
  receive,
} from "../../../support/message-content.ts";

const record = { id: "r1", owner: "u1", status: "open", title: "x", secret: 1 };
const update: RecordInput = { collection: "posts", action: "update", record };

/** What a viewer receives of an event of the collection "posts". */
const get = (
  key: string,
  viewer: Parameters<typeof receive>[2] = GUEST,
  rules: Record<string, CollectionRules> = {},
  input: Partial<RecordInput> = {},
) => receive(contentOf({ ...update, ...input }, rules), key, viewer);

describe("access rules", () => {
  const rules = { posts: { listRule: "owner = @request.auth.id", viewRule: "status = 'open'" } };

  it("hold by the topic: the list rule for the collection, the view rule for the record", () => {
    const closed = { record: { ...record, status: "closed" } };
    for (const topic of ["posts/*", "posts", "*"]) {
      expect(get(topic, { auth: { id: "u1" } }, rules), topic).toEqual({
        action: "update",
        record,
      });
      expect(get(topic, { auth: { id: "u2" } }, rules), topic).toBeUndefined();
      expect(get(topic, GUEST, rules), topic).toBeUndefined();
      expect(get(topic, { auth: { id: "u1" } }, rules, closed), topic).toBeDefined();
    }
    expect(get("posts/r1", GUEST, rules)).toBeDefined();
    expect(get("posts/r1", { auth: { id: "u1" } }, rules, closed)).toBeUndefined();
  });

  it("hold for the whole collection even if a record has the id *", () => {
    const star = { record: { ...record, id: "*" } };
    expect(get("posts/*", GUEST, rules, star)).toBeUndefined();
  });

  it("do not hold for administrators", () => {
    const closed: Record<string, CollectionRules> = { posts: { listRule: null, viewRule: null } };
    for (const topic of ["posts/*", "posts/r1"]) {
      expect(get(topic, ADMINISTRATOR, closed)).toBeDefined();
      expect(get(topic, { auth: { id: "u1" } }, closed)).toBeUndefined();
    }
    const filtered = keyWith("posts/*", { filter: "status = 'closed'" });
    expect(get(filtered, ADMINISTRATOR, closed), "their own filter does").toBeUndefined();
  });

  it("are closed in an entry that has only the other rule", () => {
    expect(get("posts/r1", GUEST, { posts: { listRule: "" } })).toBeUndefined();
    expect(get("posts/*", GUEST, { posts: { viewRule: "" } })).toBeUndefined();
    expect(get("posts/*", GUEST, { posts: { hidden: [] } })).toBeDefined();
    expect(
      get("posts/*", GUEST, { "*": { listRule: null }, posts: { listRule: "" } }),
    ).toBeDefined();
  });

  it("read the subscription's options", () => {
    const byQuery = { posts: { listRule: "status = @request.query.s" } };
    expect(get(keyWith("posts/*", { s: "open" }), GUEST, byQuery)).toBeDefined();
    expect(get(keyWith("posts/*", { s: "new" }), GUEST, byQuery)).toBeUndefined();
    expect(get("posts/*", GUEST, byQuery)).toBeUndefined();
    const header = `posts/*?options=${JSON.stringify({ headers: { "X-S": "open" } })}`;
    expect(
      get(header, GUEST, { posts: { listRule: "status = @request.headers.x_s" } }),
    ).toBeDefined();
  });

  it("that can't be evaluated deny", () => {
    expect(
      get("posts/*", GUEST, { posts: { listRule: "missing = 1 || status = 'open'" } }),
    ).toBeUndefined();
  });
});

describe("hidden fields", () => {
  const rules: Record<string, CollectionRules> = {
    posts: { hidden: ["secret"], listRule: "secret = 1" },
  };

  it("reach administrators only, and may be used by rules", () => {
    expect(get("posts/*", GUEST, rules).record).not.toHaveProperty("secret");
    expect(get("posts/*", ADMINISTRATOR, rules).record).toHaveProperty("secret", 1);
    const picked = keyWith("posts/*", { fields: "id,secret" });
    expect(get(picked, GUEST, rules)).toEqual({ action: "update", record: { id: "r1" } });
    expect(get(picked, ADMINISTRATOR, rules).record).toEqual({ id: "r1", secret: 1 });
  });

  it("make a client's filter fail, also if only the event hides them", () => {
    const key = keyWith("posts/*", { filter: "status = 'open' || secret = 1" });
    const hidden = { collection: { name: "posts", hidden: ["secret"] } };
    for (const [given, input] of [
      [rules, {}],
      [{}, hidden],
    ] as const) {
      expect(get(key, GUEST, given, input)).toBeUndefined();
      expect(get(key, ADMINISTRATOR, given, input)).toBeDefined();
    }
  });
});

describe("the email of a user", () => {
  const user = { id: "u1", email: "a@b.c", emailVisibility: false, team: "t1" };
  const event = { collection: { name: "users", type: "auth" }, record: user } as const;
  const email = (viewer: Parameters<typeof receive>[2], rules = {}, input = {}) =>
    get("users/*", viewer, rules, { ...event, ...input })?.record.email;

  it("is visible to the user, to administrators and by the manage rule", () => {
    expect(email(GUEST)).toBeUndefined();
    expect(email({ auth: { id: "u2" } })).toBeUndefined();
    expect(email({ auth: { id: "u1" } })).toBe("a@b.c");
    expect(email(ADMINISTRATOR)).toBe("a@b.c");
    const rules = { users: { type: "auth", manageRule: "team = @request.auth.team" } };
    expect(email({ auth: { id: "u2", team: "t1" } }, rules)).toBe("a@b.c");
    expect(email({ auth: { id: "u2", team: "t2" } }, rules)).toBeUndefined();
    expect(email(GUEST, {}, { record: { ...user, emailVisibility: true } })).toBe("a@b.c");
  });

  it("can't be found by a filter while it is invisible", () => {
    const key = keyWith("users/*", { filter: "email ~ 'a' && id = 'u1'" });
    const other = keyWith("users/*", { filter: "email ~ 'a' || id = 'u1'" });
    expect(get(key, { auth: { id: "u1" } }, {}, event)).toBeUndefined();
    expect(get(other, GUEST, {}, event)).toBeDefined();
    expect(get(key, ADMINISTRATOR, {}, event)).toBeDefined();
    const called = keyWith("users/*", { filter: "strftime('%Y', email) = '' || id = 'x'" });
    expect(get(called, GUEST, {}, event)).toBeUndefined();
    expect(get(called, ADMINISTRATOR, {}, event)).toBeDefined();
    const visible = { ...event, record: { ...user, emailVisibility: true } };
    expect(get(key, GUEST, {}, visible)).toBeDefined();
  });
});

describe("the options of a subscription to records", () => {
  const previous = { ...record, status: "closed" };

  it("choose actions", () => {
    const key = keyWith("posts/*", { actions: "create,delete" });
    const actions = (["create", "update", "delete"] as const).filter(
      (action) => get(key, GUEST, {}, { action }) !== undefined,
    );
    expect(actions).toEqual(["create", "delete"]);
  });

  it("choose updates that changed a field", () => {
    const key = (changed: string) => keyWith("posts/*", { changed });
    expect(get(key("status,title"), GUEST, {}, { previous })).toBeDefined();
    expect(get(key("title"), GUEST, {}, { previous })).toBeUndefined();
    expect(get(key("title"), GUEST, {}), "the previous record is unknown").toBeDefined();
    expect(get(key("title"), GUEST, {}, { action: "create" })).toBeDefined();
  });

  it("do not tell that a hidden field has changed", () => {
    const key = keyWith("posts/*", { changed: "secret" });
    const input = {
      previous: { ...record, secret: 2 },
      collection: { name: "posts", hidden: ["secret"] },
    };
    expect(get(key, GUEST, {}, input)).toBeUndefined();
    expect(get(key, ADMINISTRATOR, {}, input)).toBeDefined();
  });

  const leave = { action: "leave", record: { id: "r1" } };

  it("send leave for an update that moves a record out of the filter", () => {
    const query = { filter: "status = 'closed'", leave: true, fields: "title" };
    expect(get(keyWith("posts/*", query), GUEST, {}, { previous })).toEqual(leave);
    expect(
      get(keyWith("posts/*", { ...query, leave: false }), GUEST, {}, { previous }),
    ).toBeUndefined();
    expect(get(keyWith("posts/*", query), GUEST, {}), "previous is unknown").toBeUndefined();
    const outside = { ...record, status: "new" };
    expect(get(keyWith("posts/*", query), GUEST, {}, { previous: outside })).toBeUndefined();
  });

  it("send leave to those who lose access by a rule, and to no one else", () => {
    const rules = { posts: { listRule: "owner = @request.auth.id" } };
    const moved = { previous: { ...record, owner: "u2" } };
    const key = keyWith("posts/*", { leave: true });
    expect(get(key, { auth: { id: "u2" } }, rules, moved)).toEqual(leave);
    expect(get(key, { auth: { id: "u1" } }, rules, moved)).toEqual({ action: "update", record });
    expect(get(key, { auth: { id: "u3" } }, rules, moved)).toBeUndefined();
    expect(get(key, ADMINISTRATOR, rules, moved)).toEqual({ action: "update", record });
  });
});
