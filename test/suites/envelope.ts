/** Events that say which message they carry: the option `envelope` of a key, and of a stream. */
import { EventSource } from "eventsource";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Answer, call, postJSON, publish, setSubscriptions } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { queryOf, withLastEventId } from "../support/numbered.ts";
import { createSDKWorld, type SDKWorld } from "../support/sdk-client.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";
import { subscriptionKey } from "../support/subscription-key.ts";
import { JWT_SECRET, tokenFor } from "../support/tokens.ts";

export function envelopeSuite(runtime: RuntimeUnderTest): void {
  describe(`envelopes on ${runtime.name}`, () => {
    const world = createSDKWorld(runtime, { REALTIME_JWT_SECRET: JWT_SECRET });
    beforeAll(world.start);
    afterEach(async () => {
      closeClients();
      await world.leave();
      await world.clients(0);
    });
    afterAll(() => world.stop());
    withSDK(world);
    withStream(world);
    resuming(world);
    refusing(world);
    inHistory(world);
  });
}

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const inEnvelope = (topic: string, id: string, data: unknown) => ({ topic, id, at: TIME, data });

/** Every event so far: its name and parsed data. */
function received({ events }: SSEClient): unknown[] {
  return events.map(({ event, data }) => [event, JSON.parse(data)]);
}

function withSDK(world: SDKWorld): void {
  it.each([{ query: { envelope: true } }, { envelope: true }, { query: { envelope: "1" } }])(
    "tell the PocketBase SDK the topic, id and time of each message, when it subscribes with %j",
    async (options) => {
      const client = await world.open();
      await client.subscribe("rooms/*", options, "in envelopes");
      await client.subscribe("rooms/*", undefined, "bare");
      await world.post([
        { topic: "rooms/1", id: `a ${JSON.stringify(options)}`, data: { text: "hello" } },
        { topic: "rooms/2/chat", id: `b ${JSON.stringify(options)}`, data: null },
      ]);
      const heard = await client.heard();
      const of = (name: string) => heard.filter(([one]) => one === name).map(([, data]) => data);
      expect(of("in envelopes")).toEqual([
        inEnvelope("rooms/1", `a ${JSON.stringify(options)}`, { text: "hello" }),
        inEnvelope("rooms/2/chat", `b ${JSON.stringify(options)}`, null),
      ]);
      // The SDK passes {} for null.
      expect(of("bare")).toEqual([{ text: "hello" }, {}]);
    },
  );

  it("are around what filter, fields and leave send of a record", async () => {
    const client = await world.open();
    const options = { filter: "open = true", fields: "title", leave: true, envelope: true };
    const listener = client.listener("tasks");
    await client.pb.collection("tasks").subscribe("*", listener, options);
    const collection = { name: "tasks", id: "c_tasks" };
    const open = { id: "t1", title: "a", open: true };
    const done = { ...open, open: false };
    await world.post([
      { id: "m1", collection, action: "create", record: open },
      { id: "m2", collection, action: "create", record: { ...done, id: "t2" } },
      { id: "m3", collection, action: "update", previous: open, record: done },
    ]);
    expect((await client.heard()).map(([, data]) => data)).toEqual([
      inEnvelope("tasks/t1", "m1", { action: "create", record: { title: "a" } }),
      inEnvelope("tasks/t1", "m3", { action: "leave", record: { id: "t1" } }),
    ]);
  });

  it("have the id that a user has published, without the user's identity", async () => {
    const client = await world.open();
    await client.subscribe("walls/*", { query: { envelope: true } });
    const token = await tokenFor("anna", { publish: ["walls/*"] });
    const message = { topic: "walls/1", id: "own", data: 1 };
    expect((await publish(world.service.url, message, token)).status).toBe(200);
    expect(await client.heard()).toEqual([["walls/*", inEnvelope("walls/1", "own", 1)]]);
  });
}

function withStream(world: SDKWorld): void {
  const url = () => world.service.url;

  it("are around all messages of a stream with ?envelope=true, under the keys as they were sent", async () => {
    const bare = subscriptionKey("halls/*", { envelope: false });
    const own = subscriptionKey("halls/*", { filter: "n > 1" });
    const other = await openStream(url(), {}, queryOf(["halls/*"]));
    const keys = ["halls/*", bare, own];
    const client = await openStream(url(), {}, queryOf(keys, { envelope: "true" }));
    await world.post({ topic: "halls/1", id: "h1", data: { n: 1 } });
    await client.receive(2);
    await setSubscriptions(url(), client.clientId, ["*", own]);
    await world.post({ topic: "halls/2", id: "h2", data: { n: 2 } });
    await client.receive(4);
    await other.receive(2);
    const first = inEnvelope("halls/1", "h1", { n: 1 });
    const second = inEnvelope("halls/2", "h2", { n: 2 });
    const events = received(client);
    expect(events.slice(0, 2)).toEqual(
      expect.arrayContaining([
        ["halls/*", first],
        [bare, { n: 1 }],
      ]),
    );
    expect(events.slice(2)).toEqual(
      expect.arrayContaining([
        ["*", second],
        [own, second],
      ]),
    );
    expect(received(other)).toEqual([
      ["halls/*", { n: 1 }],
      ["halls/*", { n: 2 }],
    ]);
  });

  it.each([
    ["true", true],
    ["1", true],
    ["false", false],
    ["0", false],
    ["", false],
  ])("are as ?envelope=%s says: %j", async (envelope, isEnveloped) => {
    const topic = `value/${envelope}`;
    const client = await openStream(url(), {}, queryOf([topic], { envelope }));
    await world.post({ topic, id: topic, data: 1 });
    await client.receive(1);
    expect(received(client)).toEqual([[topic, isEnveloped ? inEnvelope(topic, topic, 1) : 1]]);
  });

  it("are read by npm's eventsource", async () => {
    const address = `${url()}/api/realtime${queryOf(["yards/*"], { envelope: "true" })}`;
    const source = new EventSource(address);
    const heard: unknown[] = [];
    let isConnected = false;
    source.addEventListener("PB_CONNECT", () => {
      isConnected = true;
    });
    source.addEventListener("yards/*", ({ data }) => void heard.push(JSON.parse(data)));
    try {
      await eventually(() => isConnected, "the stream is open");
      await world.post({ topic: "yards/7", id: "y7", data: [7] });
      await eventually(() => heard.length > 0, "the message arrives");
      expect(heard).toEqual([inEnvelope("yards/7", "y7", [7])]);
    } finally {
      source.close();
    }
  });
}

function resuming(world: SDKWorld): void {
  const url = () => world.service.url;

  it.each([
    ["a key", [subscriptionKey("lanes/*", { envelope: true }), "lanes/*", "*"], {}],
    ["a stream", ["lanes/*", "lanes/1", "*"], { envelope: "true" }],
  ])(
    "of %s come again after each event of a stream that breaks, also between two of one message",
    async (_, keys, more) => {
      const whole = await openStream(url(), {}, queryOf(keys, more));
      await world.post([
        { topic: "lanes/1", data: "one" },
        { topic: "elsewhere", data: "two" },
        { topic: "lanes/1", data: "three" },
      ]);
      const events = [...(await whole.receive(7))];
      expect(events).toHaveLength(7);
      for (const [index, { id }] of events.entries()) {
        const rest = await openStream(url(), withLastEventId(id), queryOf(keys.toReversed(), more));
        const missed = events.slice(index + 1);
        await rest.receive(missed.length + 1);
        expect(rest.events.slice(0, -1)).toEqual(missed);
        expect(rest.events.at(-1)).toMatchObject({
          event: "PB_RESUME",
          data: expect.stringContaining('"recovered":true'),
        });
        rest.close();
      }
    },
  );

  it("are around the newest messages, and around what a POST replays", async () => {
    await world.post(["p1", "p2", "p3"].map((id) => ({ topic: "paths/1", id, data: id })));
    const client = await openStream(url(), {}, "?envelope=1");
    const newest = subscriptionKey("paths/*", { last: 2 });
    await setSubscriptions(url(), client.clientId, [newest]);
    await client.receive(2);
    expect(received(client)).toEqual(
      ["p2", "p3"].map((id) => [newest, inEnvelope("paths/1", id, id)]),
    );
    const { clientId } = await openStream(url(), {}, queryOf(["paths/*"]));
    await world.post({ topic: "paths/2", id: "p4", data: 4 });
    const late = await openStream(url(), withLastEventId(clientId), "?envelope=1");
    await setSubscriptions(url(), late.clientId, ["paths/*"]);
    await late.receive(2);
    expect(received(late)).toEqual([
      ["paths/*", inEnvelope("paths/2", "p4", 4)],
      ["PB_RESUME", { recovered: true, replayed: 1 }],
    ]);
  });
}

function refusing(world: SDKWorld): void {
  const url = () => world.service.url;
  const refused = ({ status, body }: Answer) => [status, body.message];
  const message = 'The option "envelope" must be true or false.';

  it.each([["yes"], [2], ["TRUE"]])(
    "are refused as the option %j, in a POST, in the address and in the history",
    async (envelope) => {
      const key = subscriptionKey("a", { envelope });
      const { clientId } = await openStream(url());
      const posted = await postJSON(url(), "/api/realtime", {
        clientId,
        subscriptions: ["b", key],
      });
      expect(refused(posted)).toEqual([400, message]);
      expect(posted.body.data).toEqual({
        subscriptions: { 1: { code: "validation_invalid_input", message } },
      });
      for (const path of ["/api/realtime", "/api/realtime/messages"]) {
        expect(refused(await call(url(), path + queryOf([key])))).toEqual([400, message]);
      }
    },
  );

  it("are refused as a list, and beside the query", async () => {
    const list = await call(
      url(),
      `/api/realtime${queryOf([subscriptionKey("a", { envelope: [1] })])}`,
    );
    expect(refused(list)).toEqual([
      400,
      'The option "envelope" is a list or an object. Send a text.',
    ]);
    const beside = await call(url(), `/api/realtime${queryOf(['a?options={"envelope":true}'])}`);
    expect(beside.status).toBe(400);
  });

  it("are refused as a parameter with another value, or that is repeated", async () => {
    for (const [query, code] of [
      ["?envelope=yes", "validation_in_invalid"],
      ["?envelope=1&envelope=1", "validation_match_invalid"],
    ]) {
      const { status, body } = await call(url(), `/api/realtime${query}`);
      expect([status, body.data]).toEqual([
        400,
        { envelope: { code, message: expect.any(String) } },
      ]);
    }
  });
}

function inHistory(world: SDKWorld): void {
  it("are not in the history, where each message has its topics, id and time", async () => {
    await world.post({ topic: "past/1", id: "x1", data: { n: 1 } });
    const key = subscriptionKey("past/*", { envelope: true });
    const { status, body } = await call(
      world.service.url,
      `/api/realtime/messages${queryOf([key])}`,
    );
    expect(status).toBe(200);
    expect(body.messages).toEqual([
      { cursor: expect.any(String), at: TIME, id: "x1", topics: ["past/1"], data: { n: 1 } },
    ]);
  });
}
