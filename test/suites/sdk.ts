/** The official PocketBase SDK, unchanged, against the running service. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { createSDKWorld, type SDKClient, type SDKWorld, soon } from "../support/sdk-client.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { newest } from "./sdk-newest.ts";
import { firstSubscription, recordOptions } from "./sdk-records.ts";
import { restarting } from "./sdk-restarting.ts";
import { expiringToken, signedIn } from "./sdk-signed-in.ts";

export function sdkSuite(runtime: RuntimeUnderTest): void {
  describe(`the PocketBase SDK with the service on ${runtime.name}`, () => {
    const world = createSDKWorld(runtime);
    beforeAll(world.start);
    afterEach(async () => {
      await world.leave();
      await world.clients(0);
    });
    afterAll(() => world.stop());
    connecting(world);
    topics(world);
    records(world);
    recordOptions(world);
    firstSubscription(world);
    unsubscribing(world);
    newest(world);
  });
  describe(`the PocketBase SDK, signed in, with the service on ${runtime.name}`, () => {
    signedIn(runtime);
  });
  describe(`the PocketBase SDK when the service on ${runtime.name} ends and starts again`, () => {
    restarting(runtime);
  });
}

/** What takes long by its nature. */
export function sdkLongSuite(runtime: RuntimeUnderTest): void {
  describe(`the PocketBase SDK with the service on ${runtime.name}, at length`, () => {
    expiringToken(runtime);
  });
}

function connecting(world: SDKWorld): void {
  it("finds the service healthy", async () => {
    const { pb } = await world.open();
    const health = await soon(pb.health.check(), "the health check was answered");
    expect(health).toMatchObject({ code: 200, message: "API is healthy." });
  });

  it("is connected as the server's only client, with the id that the server assigned", async () => {
    const { realtime } = (await world.open()).pb;
    expect(realtime.isConnected).toBe(true);
    expect(await world.stats()).toMatchObject({ clients: 1, subscriptions: 1 });
    const connected = world.service.logs.filter(({ msg }) => msg === "client connected");
    expect(connected.at(-1)).toMatchObject({ clientId: realtime.clientId });
  });

  it("subscribes with the token of a user who has signed in since", async () => {
    const client = await world.open();
    client.pb.authStore.save("header.eyJleHAiOjQ4NTkxMjM0NTZ9.signature");
    await client.subscribe("signed-in");
    await world.post({ topic: "signed-in", data: { n: 1 } });
    expect(await client.heard()).toEqual([["signed-in", { n: 1 }]]);
  });

  it("rejects a refused subscription with the server's reason", async () => {
    const client = await world.open();
    await expect(client.subscribe("two\nlines")).rejects.toMatchObject({
      status: 400,
      response: { data: { subscriptions: { 1: { code: "validation_match_invalid" } } } },
    });
  });

  it("makes many subscriptions that are requested at the same time", async () => {
    const client = await world.open();
    const names = Array.from({ length: 50 }, (_, index) => `at-once/${index}`);
    await Promise.all(names.map((topic) => client.subscribe(topic)));
    await world.post(names.map((topic) => ({ topic, data: { topic } })));
    expect(await client.heard()).toEqual(names.map((topic) => [topic, { topic }]));
  });
}

function topics(world: SDKWorld): void {
  const names = ["chat", "a/b/c", "two words ", "новости/🎉", "list?page=2&sort=a%20b", "x:y\\z"];
  it.each(names)("receives what a backend posts to the topic %j", async (topic) => {
    const client = await world.open();
    await client.subscribe(topic);
    const text = "first\nsecond\r\n\u2028 ü 🎉";
    const posted = [{ text, list: [1, null, { deep: true }] }, [text], text, 7, true];
    for (const data of posted) await world.post({ topic, data });
    await world.post({ topic: `${topic}x`, data: "somebody else's" });
    expect(await client.heard()).toEqual(posted.map((data) => [topic, data]));
  });

  it("receives a message under the whole key when it subscribed with options", async () => {
    const client = await world.open();
    const options = { query: { room: "a&b", n: 1 }, headers: { "X-Token": "ü?&=%" } };
    const keyed = ["keyed", "keyed?page=2"];
    for (const topic of keyed) await client.subscribe(topic, options);
    for (const topic of keyed) await world.post({ topic, data: { topic } });
    expect(await client.heard()).toEqual(keyed.map((topic) => [topic, { topic }]));
  });

  it("fires once for a topic without options and once for each set of options", async () => {
    const client = await world.open();
    await client.subscribe("both", undefined, "plain");
    await client.subscribe("both", { query: { a: "1" } }, "query");
    await client.subscribe("both", { headers: { a: "1" } }, "headers");
    await world.post({ topic: "both", data: { n: 1 } });
    const heard = await client.heard();
    expect(heard.map(([name]) => name).toSorted()).toEqual(["headers", "plain", "query"]);
  });

  it("fires every listener of a topic once a message", async () => {
    const client = await world.open();
    const listeners = ["first", "second", "third"];
    for (const name of listeners) await client.subscribe("shared", undefined, name);
    for (const n of [1, 2]) await world.post({ topic: "shared", data: { n } });
    const expected = [1, 2].flatMap((n) => listeners.map((name) => [name, { n }]));
    expect(await client.heard()).toEqual(expected);
  });

  it("receives 100 messages in the order of publishing, and so does a second client", async () => {
    const both = await Promise.all([world.open(), world.open()]);
    for (const client of both) await client.subscribe("ordered");
    const expected = Array.from({ length: 100 }, (_, n) => ["ordered", { n }]);
    for (const [topic, data] of expected) await world.post({ topic, data });
    for (const client of both) expect(await client.heard()).toEqual(expected);
  });
}

function records(world: SDKWorld): void {
  const actions = ["create", "update", "delete"];

  it("receives a collection's create, update and delete events, and no other's", async () => {
    const client = await world.open();
    await client.subscribeRecords("posts", "*", "posts");
    const events = actions.map((action) => ({ action, record: { id: "r1", title: action } }));
    for (const event of events) {
      await world.post({ collection: "posts", ...event });
      await world.post({ collection: "posts2", ...event });
    }
    expect(await client.heard()).toEqual(events.map((event) => ["posts", event]));
  });

  it("receives record events by the collection's name and id when the record carries both", async () => {
    const [byName, byId] = await Promise.all([world.open(), world.open()]);
    await byName.subscribeRecords("articles", "*", "name");
    await byId.subscribeRecords("pbc_42", "*", "id");
    const record = { id: "r1", collectionId: "pbc_42", collectionName: "articles" };
    for (const action of actions) await world.post({ collection: "articles", action, record });
    for (const action of actions) await world.post({ collection: "pbc_42", action, record });
    const events = [...actions, ...actions].map((action) => ({ action, record }));
    expect(await byName.heard()).toEqual(events.map((event) => ["name", event]));
    expect(await byId.heard()).toEqual(events.map((event) => ["id", event]));
  });

  it("receives one record's events and no other's when it subscribed to its id", async () => {
    const client = await world.open();
    await client.subscribeRecords("notes", "r1", "r1");
    const ids = ["r2", "r1", "r11", "r", "r1"];
    const events = ids.map((id, n) => ({ action: "update", record: { id, n } }));
    await world.post(events.map((event) => ({ collection: "notes", ...event })));
    await world.post({ collection: "others", action: "update", record: { id: "r1" } });
    expect(await client.heard()).toEqual([events[1], events[4]].map((event) => ["r1", event]));
  });
}

type Unsubscribe = () => Promise<void>;
type Unsubscribing = (client: SDKClient, one: Unsubscribe, only: Unsubscribe) => Promise<void>;

function unsubscribing(world: SDKWorld): void {
  it.each<[what: string, Unsubscribing, heard: string[], delivered: number]>([
    ["nothing", async () => {}, ["one", "only", "options", "two", "ux"], 4],
    ["one listener of two", (_, one) => one(), ["only", "options", "two", "ux"], 4],
    ["a topic's only listener", (_, __, only) => only(), ["one", "options", "two", "ux"], 3],
    ["a topic", ({ pb }) => pb.realtime.unsubscribe("u/a"), ["only", "ux"], 2],
    ["a prefix", ({ pb }) => pb.realtime.unsubscribeByPrefix("u/"), ["ux"], 1],
  ])(
    "receives only messages of its remaining subscriptions after unsubscribing %s",
    async (...row) => {
      const [, unsubscribe, heard, delivered] = row;
      const client = await world.open();
      const one = await client.subscribe("u/a", undefined, "one");
      await client.subscribe("u/a", undefined, "two");
      await client.subscribe("u/a", { query: { q: "1" } }, "options");
      const only = await client.subscribe("u/b", undefined, "only");
      await client.subscribe("ux");
      await soon(unsubscribe(client, one, only), "unsubscribed");
      const before = await world.stats();
      for (const topic of ["u/a", "u/b", "ux"]) await world.post({ topic, data: topic });
      const after = await world.stats();
      expect((await client.heard()).map(([name]) => name).toSorted()).toEqual(heard);
      // The SDK drops listeners by itself. Only the server's count shows that it sent nothing for them.
      expect(after.delivered - before.delivered).toBe(delivered);
    },
  );

  it("disconnects when it unsubscribes from everything, and can connect again", async () => {
    const client = await world.open();
    const { realtime } = client.pb;
    const oldId = realtime.clientId;
    await client.subscribe("left");
    await soon(realtime.unsubscribe(), "unsubscribed from everything");
    expect(realtime.isConnected).toBe(false);
    await world.clients(0);
    expect(await world.stats()).toMatchObject({ subscriptions: 0, topics: 0 });
    await client.subscribe("back");
    expect(realtime.clientId).not.toBe(oldId);
    for (const topic of ["left", "back"]) await world.post({ topic, data: topic });
    await eventually(() => client.noted.length > 0, "a message after the reconnect");
    expect(client.noted).toEqual([["back", "back"]]);
  });
}
