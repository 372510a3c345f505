import { describe, expect, it } from "vitest";
import { createMessage, type PublishInput } from "../../../../src/realtime/message.ts";
import { compileFilter } from "../../../../src/realtime/records/filter.ts";
import { MessageContents } from "../../../../src/realtime/records/message-contents.ts";
import { viewerOf } from "../../../../src/realtime/records/viewer.ts";
import { subscribed } from "../../../support/message-content.ts";
import { subscriptionKey } from "../../../support/subscription-key.ts";

const GUEST = viewerOf({});
const ADMINISTRATOR = viewerOf({ isAdmin: true });

const user = { id: "u1", name: "Anna", email: "anna@example.com", tokenKey: "t-1", pin: "1234" };
const collection = { name: "users", type: "auth", hidden: ["pin"] } as const;

/** Whether a viewer receives an event under `users/*` with these query options. */
function receives(input: PublishInput, query: object, viewer = GUEST): boolean {
  const entry = { message: createMessage(input), cursor: "0-a-1", at: 0 };
  const key = subscriptionKey("users/*", query);
  const content = new MessageContents().of(entry);
  return content.dataFor(subscribed(key), viewer) !== undefined;
}

describe("a filter", () => {
  const created: PublishInput = { collection, action: "create", record: user };
  const filters = ['tokenKey ~ "t"', 'password = ""', 'pin ~ "1"', 'id != "" || tokenKey = ""'];

  it.each(filters)("matches nothing if it names a secret or hidden field: %s", (filter) => {
    expect(receives(created, { filter })).toBe(false);
    expect(receives(created, { filter: 'id != ""' })).toBe(true);
  });

  it("may name the token key and hidden fields if the subscriber is an administrator", () => {
    for (const filter of ['tokenKey ~ "t"', 'pin ~ "1"']) {
      expect(receives(created, { filter }, ADMINISTRATOR)).toBe(true);
    }
  });

  it("of a client can't be evaluated if it names a secret field of an auth collection", () => {
    const matches = compileFilter('tokenKey = "t-1"', { type: "auth" });
    expect(() => matches(user)).toThrow('The field "tokenKey" can\'t be used in a filter.');
    expect(compileFilter('tokenKey = "t-1"')(user)).toBe(true);
    expect(compileFilter('tokenKey = "t-1"', { type: "auth" }, "rule")(user)).toBe(true);
  });

  it("does not read an invisible email through a function", () => {
    const record = { ...user, email: "2024-01-01" };
    const filter = 'strftime("%Y", email) = "2024"';
    const visible = { ...record, emailVisibility: true };
    expect(receives({ ...created, record }, { filter })).toBe(false);
    expect(receives({ ...created, record: visible }, { filter })).toBe(true);
  });
});

describe("a subscription", () => {
  it("is refused if its filter names a secret or hidden field of the collection, also within a function", () => {
    const contents = new MessageContents({ users: collection });
    const check = (filter: string, isAdmin: boolean) =>
      contents.check(["a", subscriptionKey("users/*", { filter })], isAdmin);
    for (const filter of ['tokenKey = ""', 'pin = ""', 'strftime("%Y", pin) = ""']) {
      expect(() => check(filter, false), filter).toThrow("can't be used in a filter");
      expect(() => check(filter, true), filter).not.toThrow();
    }
  });

  it("is refused if its option changed names a secret or hidden field of the collection", () => {
    const contents = new MessageContents({ users: collection });
    for (const name of ["pin", "tokenKey"]) {
      const keys = [subscriptionKey("users/*", { changed: `name,${name}` })];
      const message = `The field "${name}" can't be used in the option "changed".`;
      expect(() => contents.check(keys, false)).toThrow(message);
      expect(() => contents.check(keys, true)).not.toThrow();
    }
    expect(() =>
      contents.check([subscriptionKey("users/*", { changed: "name" })], false),
    ).not.toThrow();
  });
});

describe("the option changed", () => {
  const updated = (change: object): PublishInput => ({
    collection,
    action: "update",
    record: { ...user, ...change },
    previous: user,
  });

  it.each([
    ["name", "name", true, true],
    ["pin", "pin", false, true],
    ["tokenKey", "tokenKey", false, false],
    ["email", "email", false, true],
    ["pin", "pin,name", false, true],
    ["name", "pin,name", true, true],
  ])("if %s changed and it is %j: a guest gets the update: %s, an administrator: %s", (...row) => {
    const [field, changed, guest, administrator] = row;
    const update = updated({ [field]: "another" });
    expect(receives(update, { changed })).toBe(guest);
    expect(receives(update, { changed }, ADMINISTRATOR)).toBe(administrator);
  });

  it("counts a visible email", () => {
    const update = updated({ email: "new@example.com", emailVisibility: true });
    expect(receives(update, { changed: "email" })).toBe(true);
  });
});
