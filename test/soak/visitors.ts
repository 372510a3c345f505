/** Clients that come and go: they open streams in many ways, and end them in many ways. */
import { type Answer, call, postJSON, readStats } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import type { Random } from "../support/random.ts";
import { openRaw, openRawStream, type RawClient } from "../support/raw-client.ts";
import { bearer, inSeconds, tokenFor } from "../support/tokens.ts";

const HALLS = 5;
const USERS = 20;
const FILTERS = 100;
/** Keys of a client that does not read. Each message of the topic is sent once for each. */
const SLOW_KEYS = 64;
const MOST_SLOW = 5;

export interface VisitorWorld {
  readonly url: string;
  readonly random: Random;
  /** Clients that do not read. They stay until the service cuts them, or the round ends. */
  readonly slow: Set<RawClient>;
  /** Cursors that earlier visitors had when they left. */
  readonly cursors: string[];
}

/** Returns false if there was nothing to do. */
type Visit = (world: VisitorWorld) => Promise<unknown>;

/** Every kind of visitor, by its name in the report. */
export const VISITS: Readonly<Record<string, Visit>> = {
  "guests with a filter": async (world) => {
    const client = await openRawStream(world.url, { query: queryOf(["room/*", filtered(world)]) });
    remember(world, client);
    client.socket.end();
  },
  resumes: async (world) => {
    const cursor = world.cursors.at(world.random.between(0, world.cursors.length - 1)) ?? "";
    const headers = { "Last-Event-ID": cursor };
    const client = await openRaw(world.url, { query: queryOf(["room/*"]), headers });
    // Without a cursor there is nothing to resume.
    await client.waitFor(cursor === "" ? /PB_CONNECT/ : /PB_RESUME/, "a replay ends");
    client.socket.resetAndDestroy();
  },
  "replays of the newest messages": async (world) => {
    const client = await openRaw(world.url, { query: `${queryOf(["room/*", "lobby"])}&last=50` });
    await client.waitFor(/PB_RESUME|PB_CONNECT/, "a stream with last opens");
    client.socket.destroy();
  },
  members: async (world) => {
    const { url, random } = world;
    const hall = `hall/${random.between(1, HALLS)}`;
    const token = await createToken(random);
    const query = queryOf([hall, `$presence/${hall}`]);
    const client = await openRawStream(url, { query, headers: bearer(token) });
    await client.waitFor(/event: \$presence/, "the members arrive");
    const body = { clientId: client.clientId, topic: hall, info: { typing: random.chance(0.5) } };
    expectStatus(await send(url, "/api/realtime/presence", body, bearer(token)), [204, 429]);
    if (random.chance(0.5)) client.socket.end();
    else client.socket.resetAndDestroy();
  },
  "sign-ins": async (world) => {
    const { url, random } = world;
    const client = await openRawStream(url);
    const { clientId } = client;
    const body = { clientId, subscriptions: ["lobby", filtered(world)] };
    expectStatus(await send(url, "/api/realtime", body), [204]);
    const signedIn = { clientId, subscriptions: ["secret/1", "room/*"] };
    const as = bearer(await createToken(random));
    expectStatus(await send(url, "/api/realtime", signedIn, as), [204]);
    remember(world, client);
    client.socket.destroy();
  },
  "clients that leave before the answer": async ({ url, random }) => {
    const isSilent = random.chance(0.3);
    const { socket } = await openRaw(url, { isSilent, query: queryOf(["room/*"]) });
    if (isSilent) socket.write("GET /api/realtime HTTP/1.1\r\nHo");
    socket.once("connect", () =>
      random.chance(0.5) ? socket.destroy() : socket.resetAndDestroy(),
    );
    await eventually(() => socket.destroyed, "the connection ends");
  },
  "clients that do not read": async ({ url, random, slow }) => {
    if (slow.size >= MOST_SLOW) return false;
    const keys = Array.from({ length: SLOW_KEYS }, (_, own) => withQuery("bulk", { own }));
    const client = await openRawStream(url);
    const body = { clientId: client.clientId, subscriptions: keys };
    const as = bearer(await createToken(random));
    expectStatus(await send(url, "/api/realtime", body, as), [204]);
    client.socket.pause();
    slow.add(client);
    return true;
  },
  "refused requests": async ({ url, random }) => {
    const bad = queryOf([withQuery("lobby", { filter: "n ==" })]);
    const headers = random.chance(0.1) ? bearer("no-token") : {};
    const answer = await call(url, `/api/realtime${bad}`, { headers });
    expectStatus(answer, [400, 401, 429]);
  },
  "reads of the history": async ({ url }) => {
    const path = "/api/realtime/messages?topic=lobby&limit=50";
    expectStatus(await call(url, path), [200, 429]);
    await readStats(url);
  },
};

/** Makes random visits, one after another, until `isOver`, and counts the visits. */
export async function visitUntil(
  world: VisitorWorld,
  counts: Record<string, number>,
  isOver: () => boolean,
): Promise<void> {
  const names = Object.keys(VISITS);
  while (!isOver()) {
    const name = world.random.pick(names);
    if ((await VISITS[name]?.(world)) !== false) counts[name] = (counts[name] ?? 0) + 1;
  }
}

function createToken(random: Random): Promise<string> {
  const name = `visitor-${random.between(1, USERS)}`;
  const rights = { subscribe: ["hall/*", "$presence/hall/*", "secret/*", "bulk"] };
  // Longer than a visit takes on a busy machine: an expired token would be refused.
  return tokenFor(name, rights, { exp: inSeconds(random.between(120, 240)) });
}

function send(
  url: string,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return postJSON(url, path, body, headers);
}

function expectStatus({ status, body }: Answer, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  throw new Error(`A visitor got ${status} and not ${expected}: ${JSON.stringify(body)}`);
}

const queryOf = (keys: readonly string[]) =>
  `?${keys.map((key) => `topic=${encodeURIComponent(key)}`).join("&")}`;

const withQuery = (topic: string, query: object) =>
  `${topic}?options=${encodeURIComponent(JSON.stringify({ query }))}`;

/** One of few filters: the service keeps the compiled filters of thousands of keys, and a cache that fills is not a leak. */
function filtered({ random }: VisitorWorld): string {
  return withQuery("lobby", { filter: `n > ${random.between(1, FILTERS)}` });
}

/** Keeps the client's newest cursor for a later visitor. */
function remember({ cursors }: VisitorWorld, client: RawClient): void {
  const id = [...client.body().matchAll(/^id: (\S+)$/gm)].at(-1)?.[1];
  if (id !== undefined && cursors.push(id) > 50) cursors.shift();
}
