/** Filters, fields and rules as the official PocketBase SDK asks for them. */
import type { RecordSubscribeOptions } from "pocketbase";
import { expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { type Heard, type SDKClient, type SDKWorld, soon } from "../support/sdk-client.ts";
import { tokenFor } from "../support/tokens.ts";

/** Rules for `signedInRecords`. */
export const SDK_RULES = {
  rooms: { listRule: "@request.query.room = room && @request.headers.x_token = token" },
  drafts: { listRule: "author = @request.auth.id" },
};

/** Texts that are difficult to write in a filter. */
const AWKWARD: readonly string[] = [
  "",
  "plain",
  "it's",
  'say "hello"',
  `both ' and "`,
  "back\\slash",
  "ends in a backslash\\",
  "\\' or \\\"",
  "first\nsecond",
  "\\n is no line break",
  "дом, 東京, é, 🎉",
  "\u2028 and \u2029",
  "a && b = 'c' || d // e",
  "(((",
  "100% _sure_",
  "a+b&c=d?e#f/%20",
  "{:text} @now null",
  "</script>",
];

type Data = Readonly<Record<string, unknown>>;

const create = (collection: string, record: Data) => ({ collection, action: "create", record });

async function subscribe(
  { pb, listener }: SDKClient,
  topic: string,
  name: string,
  options: RecordSubscribeOptions,
): Promise<void> {
  const [collection = "", record = ""] = topic.split("/");
  const subscribing = pb.collection(collection).subscribe(record, listener(name), options);
  await soon(subscribing, `subscribed to ${name}`);
}

/** What each listener heard of records. */
function recordsOf(heard: readonly Heard[]): Record<string, unknown[]> {
  const all: Record<string, unknown[]> = {};
  for (const [name, data] of heard) {
    all[name] = [...(all[name] ?? []), (data as { record: Data }).record];
  }
  return all;
}

export function recordOptions(world: SDKWorld): void {
  it("receives the records that its filter selects, whatever text pb.filter writes into it", async () => {
    const client = await world.open();
    for (const [index, text] of AWKWARD.entries()) {
      const filter = client.pb.filter("text = {:text}", { text });
      await subscribe(client, "texts/*", `equal ${index}`, { filter });
    }
    const parts = { like: "text ~ {:part}", unlike: "text !~ {:part}" };
    for (const [name, filter] of Object.entries(parts)) {
      await subscribe(client, "texts/*", name, { filter: client.pb.filter(filter, { part: '"' }) });
    }
    const records = AWKWARD.map((text, index) => ({ id: `t${index}`, text }));
    await world.post(records.map((record) => create("texts", record)));
    const heard = recordsOf(await client.heard());
    for (const [index, record] of records.entries()) {
      expect(heard[`equal ${index}`]).toEqual([record]);
    }
    expect(heard.like).toEqual(records.filter(({ text }) => text.includes('"')));
    expect(heard.unlike).toEqual(records.filter(({ text }) => !text.includes('"')));
  });

  it("receives the records that its filter selects by numbers, truth, null and dates", async () => {
    const client = await world.open();
    const values = {
      n: -1.5,
      yes: true,
      no: false,
      nothing: null,
      when: new Date("2024-05-06T07:08:09.123Z"),
    };
    const filters = [
      "n = {:n}",
      "flag = {:yes}",
      "flag = {:no}",
      "gone = {:nothing}",
      "at >= {:when} && at <= {:when}",
      "at > {:when}",
    ];
    for (const filter of filters) {
      await subscribe(client, "values/*", filter, { filter: client.pb.filter(filter, values) });
    }
    const record = { id: "v1", n: -1.5, flag: true, gone: "", at: "2024-05-06 07:08:09.123Z" };
    await world.post(create("values", record));
    expect(Object.keys(recordsOf(await client.heard()))).toEqual(
      expect.arrayContaining(["n = {:n}", "flag = {:yes}", "gone = {:nothing}", filters[4]]),
    );
    expect(await client.heard()).toHaveLength(4);
  });

  it("receives the fields that it asks for, of the records that its filter selects", async () => {
    const client = await world.open();
    await subscribe(client, "posts/*", "all", {
      filter: client.pb.filter("status = {:s}", { s: "open" }),
      fields: "id,title",
    });
    await subscribe(client, "posts/p2", "one", {
      filter: client.pb.filter("status = {:s}", { s: "open" }),
      fields: "body:excerpt(5,true),expand.author.name",
    });
    await subscribe(client, "posts/p1", "whole", { fields: "*" });
    const record = (id: string, status: string) => ({
      id,
      status,
      title: `Title of ${id}`,
      body: "<p>Hello <b>world</b></p>",
      expand: { author: { id: "u1", name: "Anna" } },
    });
    await world.post([
      create("posts", record("p1", "closed")),
      create("posts", record("p2", "open")),
      create("others", record("p2", "open")),
    ]);
    expect(recordsOf(await client.heard())).toEqual({
      all: [{ id: "p2", title: "Title of p2" }],
      one: [{ body: "Hello...", expand: { author: { name: "Anna" } } }],
      whole: [record("p1", "closed")],
    });
  });

  it("receives actions, changes and departures as it asks for them in its query", async () => {
    const client = await world.open();
    await subscribe(client, "tasks/*", "deleted", { query: { actions: "delete" } });
    await subscribe(client, "tasks/*", "changed", { changed: "status", actions: "update" });
    await subscribe(client, "tasks/*", "open", { filter: "status = 'open'", leave: true });
    const [open, done] = [
      { id: "t1", status: "open" },
      { id: "t1", status: "done" },
    ];
    const update = (previous: Data, record: Data) => ({
      collection: "tasks",
      action: "update",
      previous,
      record,
    });
    await world.post([
      create("tasks", open),
      update(open, { ...open, title: "x" }),
      update(open, done),
      { collection: "tasks", action: "delete", record: done },
    ]);
    const heard = await client.heard();
    const of = (name: string) => heard.filter(([listener]) => listener === name).map(([, d]) => d);
    expect(of("deleted")).toEqual([{ action: "delete", record: done }]);
    expect(of("changed")).toEqual([{ action: "update", record: done }]);
    expect(of("open")).toEqual([
      { action: "create", record: open },
      { action: "update", record: { ...open, title: "x" } },
      { action: "leave", record: { id: "t1" } },
    ]);
  });

  it("receives the newest records that its filter selects when it asks for them", async () => {
    const records = [1, 2, 3, 4, 5].map((n) => ({ id: `n${n}`, n }));
    await world.post(records.map((record) => create("newest", record)));
    const client = await world.open();
    await subscribe(client, "newest/*", "newest", { filter: "n < 5", query: { last: 2 } });
    await world.post([create("newest", { id: "n6", n: 6 }), create("newest", { id: "n0", n: 0 })]);
    expect(recordsOf(await client.heard()).newest).toEqual([
      { id: "n3", n: 3 },
      { id: "n4", n: 4 },
      { id: "n0", n: 0 },
    ]);
  });

  it("rejects a subscription with a bad filter with the position, and works again without it", async () => {
    const client = await world.open();
    await subscribe(client, "posts/*", "good", { filter: "n = 1" });
    const bad = subscribe(client, "posts/*", "bad", { filter: "n == 1" });
    const message = expect.stringContaining("Invalid filter at position 2:");
    await expect(bad).rejects.toMatchObject({
      status: 400,
      response: { message, data: { subscriptions: { 2: { message } } } },
    });
    await world.post(create("posts", { id: "p1", n: 1 }));
    expect(recordsOf(await client.heard())).toEqual({ good: [{ id: "p1", n: 1 }] });
    // The SDK keeps the key of a refused subscription, and sends it again until it is told to unsubscribe.
    await soon(client.pb.collection("posts").unsubscribe("*"), "unsubscribed");
    await subscribe(client, "posts/*", "again", { filter: "n = 2" });
    await world.post([create("posts", { id: "p1", n: 1 }), create("posts", { id: "p2", n: 2 })]);
    expect(recordsOf(await client.heard())).toEqual({
      good: [{ id: "p1", n: 1 }],
      again: [{ id: "p2", n: 2 }],
    });
  });
}

/** Tests that need a client without earlier subscriptions. */
export function firstSubscription(world: SDKWorld): void {
  it("rejects its first subscription if the filter is bad, and can connect afterwards", async () => {
    const { pb, listener, noted } = await world.open();
    await soon(pb.realtime.unsubscribe(), "unsubscribed from everything");
    const bad = pb.collection("posts").subscribe("*", listener("bad"), { filter: "n ==" });
    const message = expect.stringContaining("Invalid filter at position 2:");
    await expect(soon(bad, "the subscription is refused")).rejects.toMatchObject({
      status: 400,
      response: { message, data: { subscriptions: { 0: { message } } } },
    });
    await soon(pb.realtime.unsubscribe(), "unsubscribed from everything");
    const good = pb.collection("posts").subscribe("*", listener("good"), { filter: "n = 1" });
    await soon(good, "subscribed");
    await world.post(create("posts", { id: "p1", n: 1 }));
    await eventually(() => noted.length > 0, "the record arrives");
    expect(recordsOf(noted)).toEqual({ good: [{ id: "p1", n: 1 }] });
  });
}

/** Rules (`SDK_RULES`) with the SDK's options and token. */
export function signedInRecords(world: SDKWorld): void {
  it("receives records by rules about the query and headers of its subscription", async () => {
    const client = await world.open();
    const headers = { "X-Token": "t1" };
    await subscribe(client, "rooms/*", "right", { query: { room: "a" }, headers });
    await subscribe(client, "rooms/*", "filtered", {
      filter: "id != 'r1'",
      fields: "id",
      query: { room: "a" },
      headers,
    });
    await subscribe(client, "rooms/*", "wrong", { query: { room: "a" } });
    const record = { room: "a", token: "t1" };
    await world.post([
      create("rooms", { id: "r1", ...record }),
      create("rooms", { id: "r2", ...record }),
      create("rooms", { id: "r3", ...record, room: "b" }),
    ]);
    expect(recordsOf(await client.heard())).toEqual({
      right: [
        { id: "r1", ...record },
        { id: "r2", ...record },
      ],
      filtered: [{ id: "r2" }],
    });
  });

  it("receives records by rules about the user, from the time at which it signs in", async () => {
    const client = await world.open();
    await subscribe(client, "drafts/*", "drafts", { filter: "title != ''", fields: "id" });
    const post = (id: string) => {
      const records = ["anna", "bert"].map((author) => ({
        id: `${id}-${author}`,
        author,
        title: "x",
      }));
      return world.post(records.map((record) => create("drafts", record)));
    };
    await post("d1");
    client.pb.authStore.save(await tokenFor("anna", {}, { record: { id: "anna", name: "Anna" } }));
    await client.subscribe("news");
    await post("d2");
    expect(recordsOf(await client.heard())).toEqual({ drafts: [{ id: "d2-anna" }] });
  });
}
