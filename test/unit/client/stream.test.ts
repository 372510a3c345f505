import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createError } from "../../../src/client/requests.ts";
import { createStream } from "../../../src/client/stream.ts";
import type { Stream, StreamSettings } from "../../../src/client/stream-types.ts";
import { createTokenStore } from "../../../src/client/token.ts";
import { eventually } from "../../support/deadline.ts";
import { FakeEventSource } from "../../support/fake-event-source.ts";

/** A request that the test answers. */
interface Request {
  readonly clientId: string;
  readonly keys: readonly string[];
  readonly token: string | null | undefined;
  accept(): Promise<void>;
  refuse(status: number, data?: unknown): Promise<void>;
}

let stream: Stream;
let requests: Request[];
let told: string[];
let token: () => Promise<string | undefined>;
beforeEach(() => {
  FakeEventSource.created = [];
  requests = [];
  told = [];
  token = async () => undefined;
  const store = createTokenStore(
    () => token(),
    () => {},
  );
  const send = (_path: string, body: unknown, sentToken?: string | null) =>
    new Promise<Response>((resolve, reject) => {
      const { clientId, subscriptions } = body as { clientId: string; subscriptions: string[] };
      const settle = async (run: () => void) => {
        run();
        await turns();
      };
      requests.push({
        ...{ clientId, keys: subscriptions, token: sentToken },
        accept: () => settle(() => resolve(new Response(null, { status: 204 }))),
        refuse: (status, data) =>
          settle(() => reject(createError(`refused with ${status}`, { status, data }))),
      });
    });
  const EventSource = FakeEventSource as unknown as StreamSettings["EventSource"];
  const settings = {
    api: "http://test/api",
    withCredentials: false,
    EventSource,
    send,
    token: store,
  };
  stream = createStream(settings, {
    onStatus: (status, clientId) => told.push(clientId ? `${status} as ${clientId}` : status),
    onGap: () => told.push("gap"),
    onError: ({ message, topic }) =>
      told.push(topic === undefined ? message : `${topic}: ${message}`),
  });
});
afterEach(() => stream.close());

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Adds a subscription, which collects data. */
function add(topic: string, options = {}): { got: unknown[]; off: () => void } {
  const got: unknown[] = [];
  return { got, off: stream.add(topic, options, (data) => got.push(data)) };
}

async function connect(clientId: string): Promise<FakeEventSource> {
  await turns();
  const source = FakeEventSource.last;
  source.send("open", "");
  source.send("PB_CONNECT", `${clientId}.x`, JSON.stringify({ clientId }));
  await turns();
  return source;
}

const newest = () => requests.at(-1) as Request;
const keysOf = (request: Request) => request.keys.map((key) => decodeURIComponent(key));

describe("requests", () => {
  it("are one for the changes of one turn, and one at a time", async () => {
    add("a");
    const b = add("b");
    await connect("0-e-1");
    expect(requests.map(({ keys }) => keys)).toEqual([["a", "b"]]);
    add("c");
    b.off();
    await turns();
    add("d");
    await turns();
    expect(requests).toHaveLength(1);
    expect(stream.status).toBe("connecting");
    await newest().accept();
    expect(requests.map(({ keys }) => keys)).toEqual([
      ["a", "b"],
      ["a", "c", "d"],
    ]);
    await newest().accept();
    expect(requests).toHaveLength(2);
    expect(told).toEqual(["connecting", "connected as 0-e-1"]);
  });

  it("of an old connection change nothing, whenever they are answered", async () => {
    add("a");
    await connect("0-e-1");
    const old = newest();
    stream.reconnect();
    await connect("0-e-2");
    await old.accept();
    expect(stream.status).toBe("connecting");
    // The subscription is not known to have begun, so the new stream did not resume.
    expect(FakeEventSource.last.cursor).toBe(null);
    await newest().accept();
    expect(told).toEqual(["connecting", "connected as 0-e-2"]);
  });

  it("wait for a slow token, and use the keys of that time", async () => {
    let resolve = (_token: string) => {};
    token = () => new Promise((done) => (resolve = done));
    add("a");
    await connect("0-e-1");
    expect(requests).toEqual([]);
    add("b");
    await turns();
    resolve("t1");
    await turns();
    expect(requests.map(({ keys, token: sent }) => [keys, sent])).toEqual([[["a", "b"], "t1"]]);
    await newest().accept();
    expect(requests).toHaveLength(1);
  });

  it("are not sent for a connection that ended while the token was fetched", async () => {
    let resolve = (_token: string) => {};
    token = () => new Promise((done) => (resolve = done));
    add("a");
    await connect("0-e-1");
    stream.reconnect();
    await connect("0-e-2");
    resolve("t1");
    await turns();
    expect(requests.map(({ clientId }) => clientId)).toEqual(["0-e-2"]);
  });

  it("are repeated with the current token by renew", async () => {
    add("a");
    await connect("0-e-1");
    await newest().accept();
    stream.renew();
    await turns();
    expect(requests.map(({ keys }) => keys)).toEqual([["a"], ["a"]]);
  });

  it("tell a rejected token, also one without a reason", async () => {
    token = () => Promise.reject(undefined);
    add("a");
    await connect("0-e-1");
    expect(told.filter((one) => one !== "connecting")).toHaveLength(1);
    token = async () => "t2";
    await eventually(() => FakeEventSource.created.length === 2, "the stream is opened again");
    await connect("0-e-2");
    expect(newest().token).toBe("t2");
  });

  it("remove what the service refuses, and tell each topic", async () => {
    const a = add("a");
    add("b/c?d", { filter: "(" });
    add("e");
    await connect("0-e-1");
    const fields = { 1: { message: "Not a filter." }, 2: { message: "Not this one." } };
    await newest().refuse(400, { subscriptions: fields });
    expect(newest().keys).toEqual(["a"]);
    await newest().accept();
    expect(told).toEqual([
      "connecting",
      'b/c?d: The service refuses the subscription to "b/c?d". Not a filter.',
      'e: The service refuses the subscription to "e". Not this one.',
      "connected as 0-e-1",
    ]);
    FakeEventSource.last.send("a", "0-e-2", "1");
    expect(a.got).toEqual([1]);
  });

  it("with an error about the whole list are tried again on a new connection", async () => {
    add("a");
    await connect("0-e-1");
    await newest().refuse(400, { subscriptions: { code: "too_long", message: "Too many." } });
    expect(told).toEqual(["connecting", "refused with 400"]);
    await eventually(() => FakeEventSource.created.length === 2, "the stream is opened again");
  });
});

describe("resuming", () => {
  it("sets the keys that have begun first, and then the new ones", async () => {
    add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    source.send("a", "0-e-7", "1");
    source.fail();
    add("b", { last: 5 });
    await turns();
    source.send("PB_CONNECT", "0-e-7.y", '{"clientId":"0-e-7.y"}');
    await turns();
    expect(newest().keys).toEqual(["a"]);
    await newest().accept();
    expect(keysOf(newest())).toEqual(["a", 'b?options={"query":{"last":5}}']);
    expect(stream.status).toBe("connecting");
    await newest().accept();
    expect(stream.status).toBe("connected");
  });

  it("opens a stream anew if no wanted key has begun", async () => {
    const a = add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    source.fail();
    a.off();
    add("b");
    await turns();
    // The EventSource has resumed, so a key that is set now would resume too.
    source.send("PB_CONNECT", "0-e-1.y", '{"clientId":"0-e-1.y"}');
    expect(FakeEventSource.created).toHaveLength(2);
    expect(FakeEventSource.last.cursor).toBe(null);
    await connect("0-e-9");
    expect(newest().keys).toEqual(["b"]);
  });

  it("holds events without a position, and begins their keys again if the stream breaks", async () => {
    add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    const b = add("b", { last: 2 });
    await turns();
    const [, key = ""] = newest().keys;
    await newest().accept();
    source.send(key, "randomwordrandomword1", "1");
    expect(b.got).toEqual([]);
    source.fail();
    // The EventSource would resume from a random word.
    await eventually(() => FakeEventSource.created.length === 2, "the stream is opened again");
    expect(FakeEventSource.last.cursor).toBe("0-e-1.x");
    const second = await connect("0-e-1");
    expect(newest().keys).toEqual(["a"]);
    await newest().accept();
    await newest().accept();
    second.send(key, "randomwordrandomword2", "1");
    second.send(key, "randomwordrandomword3", "2");
    second.send("PB_CURSOR", "0-e-5");
    expect(b.got).toEqual([1, 2]);
    second.fail();
    expect(stream.cursor).toBe("0-e-5");
  });

  it("tells a gap at once, and keeps the position until a new one is known", async () => {
    add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    source.send("PB_RESUME", "randomwordrandomword1", '{"recovered":false}');
    source.send("PB_RESUME", "0-e-9.z", '{"recovered":true,"replayed":0}');
    expect(told).toEqual(["connecting", "connected as 0-e-1", "gap"]);
    expect(stream.cursor).toBe("0-e-9.z");
  });

  it("fetches a new token after PB_AUTH_EXPIRED, and resumes from it", async () => {
    let asked = 0;
    token = async () => `t${++asked}`;
    add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    source.send("PB_AUTH_EXPIRED", "0-e-4.w", '{"closesIn":10000}');
    expect(source.readyState).toBe(2);
    await eventually(() => FakeEventSource.created.length === 2, "the stream is opened again");
    expect(FakeEventSource.last.cursor).toBe("0-e-4.w");
    await connect("0-e-4");
    expect(newest().token).toBe("t2");
  });
});

describe("keys", () => {
  it("are shared by subscriptions with the same options, until the last ends", async () => {
    const one = add("a", { filter: "x" });
    const two = add("a", { filter: "x" });
    const source = await connect("0-e-1");
    await newest().accept();
    const [key = ""] = newest().keys;
    expect(newest().keys).toHaveLength(1);
    source.send(key, "0-e-2", "1");
    one.off();
    one.off();
    await turns();
    source.send(key, "0-e-3", "2");
    expect([one.got, two.got]).toEqual([[1], [1, 2]]);
    two.off();
    await turns();
    expect([stream.status, source.readyState]).toEqual(["idle", 2]);
  });

  it("continue for a subscription that replaces another in one turn", async () => {
    const one = add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    one.off();
    const two = add("a");
    await turns();
    source.send("a", "0-e-2", "1");
    expect([one.got, two.got]).toEqual([[], [1]]);
    expect(newest().keys).toEqual(["a"]);
  });

  it("are used once if they begin with messages or members", async () => {
    add("a", { last: 3 }).off();
    add("a", { last: 3 });
    add("a", { last: 3 });
    add("$presence/a");
    add("a", { last: 0 });
    await connect("0-e-1");
    expect(keysOf(newest())).toEqual([
      'a?options={"query":{"last":3,"variant":1}}',
      'a?options={"query":{"last":3,"variant":2}}',
      "$presence/a",
      'a?options={"query":{"last":0}}',
    ]);
  });

  it("are not used again on a connection, because messages of the earlier subscription may still come", async () => {
    add("b");
    const one = add("a");
    const source = await connect("0-e-1");
    await newest().accept();
    one.off();
    await turns();
    const two = add("a");
    await turns();
    // The service has not removed the earlier subscription yet.
    source.send("a", "0-e-2", "1");
    await newest().accept();
    expect(keysOf(newest())).toEqual(["b", 'a?options={"query":{"variant":1}}']);
    source.send("a", "0-e-3", "2");
    source.send(newest().keys[1] ?? "", "0-e-5", "4");
    expect([one.got, two.got]).toEqual([[], [4]]);
    stream.reconnect();
    add("c").off();
    await connect("0-e-5");
    expect(keysOf(newest())).toEqual(["b", 'a?options={"query":{"variant":1}}']);
  });

  it("differ from the events of the service and of the EventSource", async () => {
    const ping = add("ping");
    const error = add("error");
    const source = await connect("0-e-1");
    expect(keysOf(newest())).toEqual([
      'ping?options={"query":{"variant":1}}',
      'error?options={"query":{"variant":1}}',
    ]);
    await newest().accept();
    source.send("ping", "0-e-2");
    source.send(newest().keys[1] ?? "", "0-e-3", "1");
    expect([ping.got, error.got]).toEqual([[], [1]]);
  });
});

it("passes on the text of an event that is not JSON", async () => {
  const a = add("a");
  const source = await connect("0-e-1");
  source.send("a", "0-e-2", "plain text");
  expect(a.got).toEqual(["plain text"]);
});
