import { afterEach, describe, expect, it } from "vitest";
import type { ServerOptions } from "../../../../src/api/options.ts";
import { createServer, type RealtimeServer } from "../../../../src/api/server.ts";
import { eventually } from "../../../support/deadline.ts";

const KEY = "a-key-for-presence";
const ADMIN = { Authorization: `Bearer ${KEY}` };
const RULES = [
  { match: "open/*", presence: true },
  { match: "$presence/open/*", private: false },
  { match: "*", presence: true, private: false },
];

let servers: RealtimeServer[] = [];
let readers: ReadableStreamDefaultReader[] = [];

afterEach(async () => {
  await Promise.all(readers.map((reader) => reader.cancel()));
  await Promise.all(servers.map((server) => server.close()));
  [servers, readers] = [[], []];
});

/** A server on which the header X-User signs a user in, and X-Rights has the user's patterns. */
function start(options: ServerOptions = {}) {
  const server = createServer({
    adminKey: KEY,
    topics: RULES,
    authenticate: (c) => {
      const subject = c.req.header("X-User");
      const subscribe = c.req.header("X-Rights")?.split(" ") ?? [];
      return subject && { subject, subscribe, info: { name: subject } };
    },
    ...options,
  });
  servers.push(server);
  const send = async (method: string, path: string, headers = {}, body?: unknown) => {
    const response = await server.app.request(`/api/realtime${path}`, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = response.status === 204 ? "" : await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: looked at field by field
    const json: any = text === "" ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, json };
  };
  const members = (topic: string, headers = {}) =>
    send("GET", `/presence?topic=${encodeURIComponent(topic)}`, headers);
  /** Opens a stream. Returns its client id. */
  const connect = async (topic: string, headers = {}): Promise<string> => {
    const path = `/api/realtime?topic=${encodeURIComponent(topic)}`;
    const { body } = await server.app.request(path, { headers });
    if (body === null) throw new Error("The response has no body.");
    const reader = body.getReader();
    readers.push(reader);
    const { value } = await reader.read();
    return /^id: (.+)$/m.exec(new TextDecoder().decode(value))?.[1] ?? "";
  };
  return { server, send, members, connect };
}

/** What a client shows is reported at the next turn of a timer. */
async function untilMember(read: () => Promise<{ json: { count: number } }>, count = 1) {
  const deadline = performance.now() + 5000;
  for (;;) {
    const answer = await read();
    if (answer.json.count === count) return answer.json;
    if (performance.now() > deadline) throw new Error(`There are ${answer.json.count} members.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("GET /api/realtime/presence", () => {
  it("lists the members with their info, and counts the guests", async () => {
    const { members, connect, send } = start();
    await connect("room", { "X-User": "ann" });
    await connect("room", { "X-User": "ann" });
    await connect("room");
    const json = await untilMember(() => members("room", ADMIN));
    const since = expect.any(Number);
    const ann = { id: "ann", info: { name: "ann" }, since };
    expect(json).toEqual({ topic: "room", members: [ann], count: 1, guests: 1 });
    const { topics } = (await send("GET", "/topics", ADMIN)).json;
    expect(topics).toEqual([{ topic: "room", subscriptions: 3, members: 1, guests: 1 }]);
  });

  it("is for callers with the right to $presence/<topic>, although a rule for all topics is public", async () => {
    const { members } = start();
    const status = async (headers: object) => (await members("room", headers)).status;
    expect(await status({})).toBe(401);
    expect(await status({ "X-User": "bob", "X-Rights": "room" })).toBe(403);
    expect(await status({ "X-User": "bob", "X-Rights": "$presence/room" })).toBe(200);
    expect(await status({ "X-User": "bob", "X-Rights": "$presence/*" })).toBe(200);
    expect(await status(ADMIN)).toBe(200);
  });

  it("is for everyone if the rule of $presence/<topic> is public", async () => {
    const { members } = start();
    expect((await members("open/1")).status).toBe(200);
  });

  it("asks authorize and onSubscribe about $presence/<topic>", async () => {
    const asked: unknown[] = [];
    const { members } = start({
      authorize: ({ action, topic }) => {
        asked.push([action, topic]);
        return topic !== "$presence/closed";
      },
      hooks: {
        onSubscribe: ({ subscriptions }) =>
          subscriptions.filter((key) => key !== "$presence/hooked"),
      },
    });
    const bob = { "X-User": "bob" };
    const statuses = [];
    for (const topic of ["room", "closed", "hooked"]) {
      statuses.push((await members(topic, bob)).status);
    }
    expect(statuses).toEqual([200, 403, 403]);
    expect(asked[0]).toEqual(["subscribe", "$presence/room"]);
  });

  it.each([
    ["", /Cannot be blank/],
    ["chat/*", /Must be a topic/],
    ["*", /Must be a topic/],
    ["$presence/chat", /Must be a topic/],
    ['chat?options={"last":1}', /Must be a topic/],
  ])("refuses the topic %j", async (topic, message) => {
    const { members } = start();
    const { status, json } = await members(topic, ADMIN);
    expect([status, json.data.topic.message]).toEqual([400, expect.stringMatching(message)]);
  });

  it("says which rule is missing for a topic without presence", async () => {
    const { members } = start({ topics: [{ match: "chat", presence: true }] });
    const { status, json } = await members("news", ADMIN);
    expect([status, json.message]).toEqual([400, expect.stringContaining('"presence": true')]);
  });

  it("refuses a credential that is revoked", async () => {
    const { members, server } = start({
      authenticate: () => ({ subject: "bob", subscribe: ["*"], issuedAt: 1 }),
    });
    expect((await members("room")).status).toBe(200);
    await server.registry.revoke({ subject: "bob" });
    expect((await members("room")).status).toBe(401);
  });
});

describe("POST /api/realtime/presence", () => {
  const ann = { "X-User": "ann" };

  it("changes what the caller shows besides the info of the token", async () => {
    const { members, connect, send } = start();
    const clientId = await connect("room", ann);
    await untilMember(() => members("room", ADMIN));
    const post = (info: unknown) =>
      send("POST", "/presence", ann, { clientId, topic: "room", info });
    expect((await post({ typing: true })).status).toBe(204);
    const { status, json } = await post({ name: "Eve" });
    expect([status, json.message]).toEqual([400, expect.stringContaining("info.name")]);
    const shown = async () => (await members("room", ADMIN)).json.members[0].info;
    await eventually(async () => (await shown()).typing === true, "the info is changed");
    expect(await shown()).toEqual({ typing: true, name: "ann" });
  });

  it("refuses other users, guests, clients that are no members and unknown clients", async () => {
    const { connect, send } = start();
    const clientId = await connect("room", ann);
    const body = { clientId, topic: "room", info: {} };
    const status = async (headers: object, change = {}) =>
      (await send("POST", "/presence", headers, { ...body, ...change })).status;
    expect(await status({ "X-User": "eve" })).toBe(403);
    expect(await status({})).toBe(401);
    expect(await status(ADMIN)).toBe(403);
    expect(await status(ann, { topic: "other" })).toBe(403);
    expect(await status(ann, { clientId: "nobody" })).toBe(404);
    expect(await status(ann)).toBe(204);
  });

  it.each([
    [{ info: [] }, "info"],
    [{ info: undefined }, "info"],
    [{ info: {}, extra: 1 }, "extra"],
    [{ info: {}, topic: "room/*" }, "topic"],
    [{ info: {}, clientId: "" }, "clientId"],
  ])("refuses %j, and names the field", async (change, field) => {
    const { send } = start();
    const body = { clientId: "x", topic: "room", ...change };
    const { status, json } = await send("POST", "/presence", ann, body);
    expect([status, Object.keys(json.data)]).toEqual([400, [field]]);
  });

  it("refuses an info of more than 1,024 bytes, and a body that is not JSON", async () => {
    const { connect, send, server } = start();
    const clientId = await connect("room", ann);
    const info = { text: "é".repeat(512) };
    const { status } = await send("POST", "/presence", ann, { clientId, topic: "room", info });
    expect(status).toBe(400);
    const form = await server.app.request("/api/realtime/presence", {
      method: "POST",
      headers: { ...ann, "Content-Type": "text/plain" },
      body: "{}",
    });
    expect(form.status).toBe(415);
  });

  it("limits the changes of each user, and counts the refusals", async () => {
    const { connect, send } = start({ presenceUpdatesPerSecond: 0.2, monotonicNow: () => 0 });
    const body = { clientId: await connect("room", ann), topic: "room", info: {} };
    const statuses = [];
    for (let count = 0; count < 3; count++) {
      statuses.push((await send("POST", "/presence", ann, body)).status);
    }
    expect(statuses).toEqual([204, 204, 429]);
    const bob = { "X-User": "bob" };
    const own = { ...body, clientId: await connect("room", bob) };
    expect((await send("POST", "/presence", bob, own)).status).toBe(204);
    expect((await send("GET", "/stats", ADMIN)).json.rateRefusals.presence).toBe(1);
  });
});

describe("topics of $presence/", () => {
  const record = { action: "create", record: { id: "chat" } };

  it("can't be published to, by a message or a record event", async () => {
    const { send, server } = start();
    const messages = [
      { topic: "$presence/chat", data: { type: "guests", guests: 7 } },
      { ...record, collection: "$presence/chat" },
      { ...record, collection: { name: "posts", id: "$presence/x" } },
    ];
    for (const message of messages) {
      const { status, json } = await send("POST", "/messages", ADMIN, message);
      expect([status, json.message]).toEqual([400, expect.stringContaining("reserved")]);
      await expect(server.publish(message as never)).rejects.toThrow("reserved");
    }
  });

  it("are left out of the topics of a record event", async () => {
    const { connect, send } = start();
    await connect("posts", ADMIN);
    const fields = { collectionName: "$presence", collectionId: "$presence/y" };
    const event = { ...record, collection: "posts", record: { ...record.record, ...fields } };
    expect((await send("POST", "/messages", ADMIN, event)).status).toBe(200);
    const { messages } = (await send("GET", "/messages?topic=*", ADMIN)).json;
    expect(messages.map(({ topics }: { topics: string[] }) => topics)).toContainEqual([
      "posts/chat",
      "posts",
      "$presence",
    ]);
  });

  it.each(['$presence/chat?options={"last":5}', '$presence/*?options={"query":{"last":"5"}}'])(
    "can't be subscribed to as %j",
    async (key) => {
      const { send } = start();
      const path = `?topic=${encodeURIComponent(key)}`;
      const { status, json } = await send("GET", path, ADMIN);
      expect([status, json.message]).toEqual([400, expect.stringContaining('"last"')]);
    },
  );
});
