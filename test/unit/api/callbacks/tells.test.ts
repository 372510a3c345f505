/** The events that a backend is told of, over a real HTTP backend. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallbackOptions } from "../../../../src/api/callbacks/options.ts";
import { Teller } from "../../../../src/api/callbacks/teller.ts";
import { createServer } from "../../../../src/api/server.ts";
import type { Logger } from "../../../../src/realtime/types.ts";
import { retryDelay } from "../../../../src/registry/tells.ts";
import {
  type BackendAnswer,
  CALLBACK_SECRET,
  type CallbackBackend,
  type CallbackBody,
  startBackend,
} from "../../../support/callback-backend.ts";
import { eventually } from "../../../support/deadline.ts";

let backend: CallbackBackend;
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(async () => {
  expect(backend.faults).toEqual([]);
  await backend.close();
});

const ignore = () => undefined;

function createTeller(options: Partial<CallbackOptions> = {}, delay = 1) {
  const lines: string[] = [];
  const note = (msg: string) => lines.push(msg);
  const logger: Logger = { debug: ignore, info: ignore, warn: note, error: note };
  const all = { url: backend.url, secret: CALLBACK_SECRET, tell: ["occupied", "vacated"] as const };
  const settings = { logger, now: () => 0, retryDelay: () => delay };
  const teller = new Teller({ ...all, ...options }, settings);
  const occupy = (n: number) => teller.tell({ type: "occupied", topic: `t${n}` });
  return { teller, occupy, lines };
}

type Event = Readonly<Record<string, string>>;
const eventsIn = ({ events }: CallbackBody) => events as readonly Event[];
const topicsIn = (body: CallbackBody) => eventsIn(body).map(({ topic }) => topic);
const topics = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `t${from + n}`);

const fail: BackendAnswer = (_body, response) => {
  response.writeHead(500).end();
  return undefined;
};

describe("events", () => {
  it("are told in order, in batches of at most 100, with one request at a time", async () => {
    let open = 0;
    backend.answer = async () => {
      open += 1;
      expect(open).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      return {};
    };
    const { teller, occupy } = createTeller();
    for (let n = 0; n < 250; n++) occupy(n);
    teller.tell({ type: "connected", clientId: "not-told" });
    await eventually(() => teller.counts.waiting === 0, "all are told");
    expect(backend.bodies.map(topicsIn)).toEqual([
      topics(0, 100),
      topics(100, 200),
      topics(200, 250),
    ]);
    const [first] = eventsIn(backend.bodies[0] ?? {});
    const id = expect.stringMatching(/^evt_.{21}$/);
    expect(first).toEqual({ id, type: "occupied", topic: "t0", at: "1970-01-01T00:00:00.000Z" });
    expect(teller.counts).toEqual({ told: 250, retried: 0, dropped: 0, waiting: 0 });
  });

  it("are sent again with the same ids until the backend takes them", async () => {
    let failures = 3;
    backend.answer = (...request) => (failures-- > 0 ? fail(...request) : {});
    const { teller, occupy, lines } = createTeller();
    occupy(1);
    await eventually(() => backend.bodies.length > 0, "the first request");
    occupy(2);
    await eventually(() => teller.counts.waiting === 0, "all are told");
    expect(backend.bodies.map(topicsIn)).toEqual([["t1"], ["t1"], ["t1"], ["t1"], ["t2"]]);
    expect(new Set(backend.ids.slice(0, 4)).size).toBe(1);
    expect(new Set(backend.bodies.slice(0, 4).map((body) => eventsIn(body)[0]?.id)).size).toBe(1);
    expect(backend.ids[4]).not.toBe(backend.ids[0]);
    expect(teller.counts).toMatchObject({ told: 2, retried: 3, dropped: 0 });
    expect(lines[0]).toBe("events for the backend can't be delivered");
  });

  it("are sent again after a time-out, a redirect and a broken connection", async () => {
    const answers: BackendAnswer[] = [
      () => new Promise(() => undefined),
      (_body, response) => void response.writeHead(307, { Location: backend.url }).end(),
      (_body, response) => void response.destroy(),
    ];
    backend.answer = (...request) => {
      const answer = answers.shift();
      return answer === undefined ? {} : answer(...request);
    };
    const { teller, occupy } = createTeller({ timeout: 2000 });
    occupy(1);
    await eventually(() => teller.counts.told === 1, "it is told");
    expect(teller.counts.retried).toBe(3);
    expect(backend.bodies).toHaveLength(4);
  });

  it("are dropped, the oldest first, when too many wait", async () => {
    let isAway = true;
    backend.answer = (...request) => (isAway ? fail(...request) : {});
    const { teller, occupy, lines } = createTeller({ maxQueue: 10 }, 50);
    for (let n = 0; n < 25; n++) occupy(n);
    expect(teller.counts).toMatchObject({ waiting: 10, dropped: 15 });
    await eventually(() => backend.bodies.length > 0, "the first request");
    occupy(25);
    isAway = false;
    await eventually(() => teller.counts.waiting === 0, "the rest is told");
    expect(topicsIn(backend.bodies.at(-1) ?? {})).toEqual(topics(16, 26));
    expect(lines.filter((line) => line === "events for the backend are dropped")).toHaveLength(16);
  });

  it("that wait are sent at a stop, without waiting for the next attempt", async () => {
    let isAway = true;
    backend.answer = (...request) => (isAway ? fail(...request) : {});
    const { teller, occupy } = createTeller({}, 1_000_000);
    for (let n = 0; n < 150; n++) occupy(n);
    await eventually(() => teller.counts.retried === 1, "the first attempt has failed");
    isAway = false;
    await teller.close();
    expect(teller.counts).toEqual({ told: 150, retried: 1, dropped: 0, waiting: 0 });
  });

  it("that wait are dropped at a stop when the backend is away", async () => {
    backend.answer = fail;
    const { teller, occupy } = createTeller({}, 1_000_000);
    for (let n = 0; n < 3; n++) occupy(n);
    await eventually(() => teller.counts.retried === 1, "the first attempt has failed");
    await teller.close();
    expect(teller.counts).toMatchObject({ told: 0, dropped: 3, waiting: 0 });
  });

  it("wait for longer and longer, up to a minute", () => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const longest = Math.min(1000 * 2 ** attempt, 60_000);
      expect(retryDelay(attempt)).toBeLessThanOrEqual(longest);
      expect(retryDelay(attempt)).toBeGreaterThanOrEqual(longest / 2);
    }
  });
});

it("a service tells of streams and topics, and of the last ones when it stops", async () => {
  const { app, close } = createServer({
    presenceGrace: 10,
    callbacks: {
      url: backend.url,
      secret: CALLBACK_SECRET,
      ask: ["connect"],
      tell: ["connected", "disconnected", "occupied", "vacated"],
    },
  });
  backend.answer = ({ type }) => (type === "connect" ? { allow: true, identity: "anna" } : {});
  const told = () =>
    backend.bodies
      .flatMap((body) => (body.events ? eventsIn(body) : []))
      .map(({ id: _, at: __, ...event }) => event);
  const open = async (query: string) => {
    const { body } = await app.request(`/api/realtime${query}`);
    return body?.getReader();
  };
  const first = await open("?topic=room");
  await first?.read();
  await eventually(() => told().length === 2, "the topic is occupied");
  const [connected] = told();
  expect(connected).toMatchObject({ type: "connected", identity: "anna" });
  const { clientId } = connected ?? {};
  expect(told()[1]).toEqual({ type: "occupied", topic: "room" });
  await first?.cancel();
  await eventually(() => told().length === 4, "the topic is vacated");
  expect(told().slice(2)).toEqual([
    { type: "disconnected", clientId, reason: "client" },
    { type: "vacated", topic: "room" },
  ]);
  const second = await open("");
  await eventually(() => told().length === 5, "the second stream");
  const closing = close();
  while ((await second?.read())?.done === false);
  await closing;
  expect(told().at(-1)).toMatchObject({ type: "disconnected", reason: "shutdown" });
});
