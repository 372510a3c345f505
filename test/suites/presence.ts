/** The members of topics, as a page, the PocketBase SDK and a backend see them. */
import { EventSource } from "eventsource";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PresenceEvent } from "../../src/realtime/presence/presence.ts";
import { ADMIN_KEY, call, postJSON, publish, setSubscriptions } from "../support/api.ts";
import { closeClients, trackClient } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { queryOf } from "../support/numbered.ts";
import { createSDKWorld, type SDKWorld } from "../support/sdk-client.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";
import { bearer, JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { Rebuilt } from "./presence-model/watcher.ts";

const RULES = [
  { match: "chat/*", presence: true },
  { match: "$presence/chat/lobby", private: false },
];

/** Every test has a topic of its own. */
export function presenceSuite(runtime: RuntimeUnderTest): void {
  describe(`presence on ${runtime.name}`, () => {
    const world = createSDKWorld(runtime, {
      REALTIME_JWT_SECRET: JWT_SECRET,
      REALTIME_TOPICS: JSON.stringify(RULES),
      REALTIME_PRESENCE_GRACE_SECONDS: "1",
    });
    beforeAll(world.start);
    afterEach(async () => {
      closeClients();
      await world.leave();
      await world.clients(0);
    });
    afterAll(() => world.stop());
    following(world);
    coming(world);
    reading(world);
  });
}

/** A token of a user that may see the members of every chat. */
function tokenOf(user: string): Promise<string> {
  const realtime = { subscribe: ["chat/*", "$presence/chat/*"], info: { name: user } };
  return tokenFor(user, realtime);
}

/** Opens a stream of a user, or of a guest. */
async function open(
  world: SDKWorld,
  user: string | undefined,
  topics: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Promise<SSEClient> {
  const credential = user === undefined ? {} : bearer(await tokenOf(user));
  const init = { headers: { ...credential, ...headers } };
  return openStream(world.service.url, init, queryOf([...topics]));
}

function presenceEvents({ events }: SSEClient): PresenceEvent[] {
  return events
    .filter(({ event }) => event?.startsWith("$presence/"))
    .map(({ data }) => JSON.parse(data));
}

/** The ids that joined and left, in the order of a stream's events, without the lists of members. */
function comingsAndGoings(client: SSEClient): string[] {
  const found: string[] = [];
  for (const event of presenceEvents(client)) {
    for (const change of event.type === "changes" ? event.changes : [event]) {
      const isComingOrGoing = change.type === "join" || change.type === "leave";
      if (isComingOrGoing) found.push(`${change.type} ${change.member.id}`);
    }
  }
  return found;
}

function rebuild(client: SSEClient): Rebuilt {
  const rebuilt = new Rebuilt();
  for (const event of presenceEvents(client)) rebuilt.apply(event);
  return rebuilt;
}

const idsOf = ({ members }: Rebuilt) => [...members.keys()].sort();

function following(world: SDKWorld): void {
  it("sends the PocketBase SDK the members, joins, updates and leaves", async () => {
    const watching = await world.open(await tokenOf("watcher"));
    const rebuilt = new Rebuilt();
    const onEvent = (event: PresenceEvent) => rebuilt.apply(event);
    await watching.pb.realtime.subscribe("chat/sdk", () => {});
    await watching.pb.realtime.subscribe("$presence/chat/sdk", onEvent);
    const shown = () =>
      Object.fromEntries([...rebuilt.members].map(([id, { info }]) => [id, info]));
    const watcher = { name: "watcher" };
    await expect.poll(shown, POLL).toEqual({ watcher });
    const ann = await world.open(await tokenOf("ann"));
    await ann.subscribe("chat/sdk");
    await expect.poll(shown, POLL).toEqual({ watcher, ann: { name: "ann" } });
    const { clientId } = ann.pb.realtime;
    const body = { clientId, topic: "chat/sdk", info: { typing: true } };
    await ann.pb.send("/api/realtime/presence", { method: "POST", body });
    await expect.poll(shown, POLL).toEqual({ watcher, ann: { name: "ann", typing: true } });
    await ann.pb.realtime.unsubscribe("chat/sdk");
    await expect.poll(shown, POLL).toEqual({ watcher });
  });

  it("shows an EventSource the members and the number of guests", async () => {
    const { url } = world.service;
    const authorization = bearer(await tokenOf("watcher"));
    const query = queryOf(["$presence/chat/page"]);
    const stream = new EventSource(`${url}/api/realtime${query}`, {
      fetch: (input, init) =>
        fetch(input, { ...init, headers: { ...init.headers, ...authorization } }),
    });
    trackClient(() => stream.close());
    const rebuilt = new Rebuilt();
    stream.addEventListener("$presence/chat/page", ({ data }) => rebuilt.apply(JSON.parse(data)));
    await eventually(() => rebuilt.isComplete, "the list of members arrives");
    const known = () => [idsOf(rebuilt), rebuilt.guests];
    const ann = await open(world, "ann", ["chat/page"]);
    await open(world, undefined, ["chat/page"]);
    await expect.poll(known, POLL).toEqual([["ann"], 1]);
    ann.close();
    await expect.poll(known, POLL).toEqual([[], 1]);
  });

  it("replays the changes to a stream that resumes, and then sends the members", async () => {
    const watcher = await open(world, "watcher", ["$presence/chat/resumed"]);
    const ann = await open(world, "ann", ["chat/resumed"]);
    await eventually(() => idsOf(rebuild(watcher)).join() === "ann", "ann is there");
    const lastEventId = watcher.events.at(-1)?.id ?? "";
    watcher.close();
    ann.close();
    const bob = await open(world, "bob", ["chat/resumed"]);
    const members = async () => (await read(world, "chat/resumed")).body.members;
    const ids = async () => (await members()).map(({ id }: { id: string }) => id);
    await expect.poll(ids, POLL).toEqual(["bob"]);
    const header = { "Last-Event-ID": lastEventId };
    const again = await open(world, "watcher", ["$presence/chat/resumed"], header);
    await eventually(() => rebuild(again).isComplete, "the list of members arrives");
    expect(comingsAndGoings(again).toSorted()).toEqual(["join bob", "leave ann"]);
    expect([...rebuild(again).members]).toEqual([["bob", expect.anything()]]);
    bob.close();
  });
}

const POLL = { timeout: 20_000, interval: 20 };

/** Reads the members with the admin key. */
function read(world: SDKWorld, topic: string, headers: object = bearer(ADMIN_KEY)) {
  const query = new URLSearchParams({ topic });
  return call(world.service.url, `/api/realtime/presence?${query}`, { headers: { ...headers } });
}

function coming(world: SDKWorld): void {
  it("counts several tabs as one member, and sends no event about a reload within the grace", async () => {
    const watcher = await open(world, "watcher", ["$presence/chat/reload"]);
    const tabs = [
      await open(world, "ann", ["chat/reload"]),
      await open(world, "ann", ["chat/reload", "chat/*"]),
    ];
    await eventually(() => comingsAndGoings(watcher).length > 0, "ann has come");
    for (const tab of tabs) tab.close();
    await open(world, "ann", ["chat/reload"]);
    // When bob has left after his grace, the grace of the tabs has ended as well.
    const bob = await open(world, "bob", ["chat/reload"]);
    await eventually(() => comingsAndGoings(watcher).includes("join bob"), "bob has come");
    bob.close();
    await eventually(() => comingsAndGoings(watcher).includes("leave bob"), "bob has left");
    expect(comingsAndGoings(watcher)).toEqual(["join ann", "join bob", "leave bob"]);
  });

  it("makes a guest that signs in on its stream a member", async () => {
    const { url } = world.service;
    const watcher = await open(world, "watcher", ["$presence/chat/guest"]);
    const stream = await open(world, undefined, ["chat/guest"]);
    await eventually(() => rebuild(watcher).guests === 1, "there is a guest");
    const body = { clientId: stream.clientId, subscriptions: ["chat/guest"] };
    await postJSON(url, "/api/realtime", body, bearer(await tokenOf("ann")));
    const known = () => [idsOf(rebuild(watcher)), rebuild(watcher).guests];
    await expect.poll(known, POLL).toEqual([["ann"], 0]);
  });

  it("sends nothing to a stream without the right, until it has the right", async () => {
    const { url } = world.service;
    const stranger = await openStream(url, {}, queryOf(["$presence/chat/right", "fence"]));
    const watcher = await open(world, "watcher", ["$presence/chat/right"]);
    await open(world, "ann", ["chat/right"]);
    await eventually(() => idsOf(rebuild(watcher)).join() === "ann", "ann is there");
    await world.post({ topic: "fence", data: 1 });
    await stranger.receive(1);
    expect(stranger.events.map(({ event }) => event)).toEqual(["fence"]);
    const keys = ["$presence/chat/right", "fence"];
    const body = { clientId: stranger.clientId, subscriptions: keys };
    await postJSON(url, "/api/realtime", body, bearer(await tokenOf("friend")));
    await eventually(() => rebuild(stranger).isComplete, "the list of members arrives");
    expect(idsOf(rebuild(stranger))).toEqual(["ann"]);
  });

  it("shows public members to a guest", async () => {
    const guest = await openStream(world.service.url, {}, queryOf(["$presence/chat/lobby"]));
    await open(world, "ann", ["chat/lobby"]);
    await eventually(() => idsOf(rebuild(guest)).join() === "ann", "ann is there");
    await setSubscriptions(world.service.url, guest.clientId, []);
  });
}

function reading(world: SDKWorld): void {
  it("lists the members for the admin key and for users with the right", async () => {
    await open(world, "ann", ["chat/read"]);
    const ids = async () => (await read(world, "chat/read")).body.members.length;
    await expect.poll(ids, POLL).toBe(1);
    const member = { id: "ann", info: { name: "ann" }, since: expect.any(Number) };
    const { status, body } = await read(world, "chat/read", bearer(await tokenOf("bob")));
    expect([status, body]).toEqual([
      200,
      { topic: "chat/read", members: [member], count: 1, guests: 0 },
    ]);
    expect((await read(world, "chat/read", {})).status).toBe(401);
    const stranger = bearer(await tokenFor("eve", { subscribe: ["chat/*"] }));
    expect((await read(world, "chat/read", stranger)).status).toBe(403);
    expect((await read(world, "news")).status).toBe(400);
  });

  it("refuses a message to a topic of members", async () => {
    const message = { topic: "$presence/chat/read", data: { type: "guests", guests: 9 } };
    expect((await publish(world.service.url, message)).status).toBe(400);
  });
}
