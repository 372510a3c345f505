/** Instances of the PocketBase SDK in one process, on connections that are cut, to a service that is killed. */
import PocketBase from "pocketbase";
import { publish } from "./api.ts";
import { eventually, pause } from "./deadline.ts";
import { type Random, seededRandom } from "./random.ts";
import { type RuntimeUnderTest, type Service, startService } from "./service.ts";
import { startProxy, type TCPProxy } from "./tcp-proxy.ts";

export interface SDKChaosOptions {
  readonly runtime: RuntimeUnderTest;
  /** Settings of the service: `REALTIME_DATA`. */
  readonly env: Readonly<Record<string, string>>;
  /** The class that the SDK gets. */
  readonly EventSource: typeof EventSource;
  /** Instances of the SDK. They have one address. */
  readonly clients: number;
  /** Each strike cuts connections, restarts the service or kills it. */
  readonly strikes: number;
  readonly seed: number;
}

export interface SDKChaosResult {
  readonly messages: number;
  readonly deliveries: number;
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  /** Deliveries under another key than the message matches. */
  readonly strange: number;
  readonly reconnects: number;
  /** PB_RESUME events with `recovered: false`. */
  readonly unrecovered: number;
  /** Instances that did not come back. */
  readonly away: number;
}

interface Client {
  readonly pb: PocketBase;
  /** The numbers of the messages, by subscription. */
  readonly received: ReadonlyMap<string, number[]>;
  readonly counts: { connects: number; unrecovered: number };
}

const ROOMS = 3;
const STRIKE_EVERY = { min: 100, max: 1200 };

export async function runSDKChaos(options: SDKChaosOptions): Promise<SDKChaosResult> {
  const own = globalThis.EventSource;
  globalThis.EventSource = options.EventSource;
  const random = seededRandom(options.seed);
  let service = await startService(options.runtime, { env: options.env });
  const budget = () => (random.chance(1 / 3) ? undefined : 2 ** random.between(5, 16));
  const proxy = await startProxy({ target: service.url, random, budget });
  proxy.useBudgets(false);
  const opening = Array.from({ length: options.clients }, (_, n) => openClient(proxy.url, n));
  try {
    const clients = await Promise.all(opening);
    proxy.useBudgets(true);
    const publisher = startPublisher(service.url, random);
    for (let strike = 1; strike <= options.strikes; strike++) {
      await pause(random.between(STRIKE_EVERY.min, STRIKE_EVERY.max));
      service = await hit(strike, service, proxy, { options, random });
    }
    proxy.useBudgets(false);
    const rooms = await publisher.stop();
    const away = await whenCaughtUp(clients, rooms);
    return sumUp(clients, rooms, away);
  } finally {
    await Promise.all(opening.map(async (client) => (await client).pb.realtime.unsubscribe()));
    await proxy.close();
    await service.stop("SIGKILL");
    globalThis.EventSource = own;
  }
}

async function openClient(url: string, index: number): Promise<Client> {
  const pb = new PocketBase(url);
  const room = `room/${index % ROOMS}`;
  const received = new Map<string, number[]>();
  const counts = { connects: 0, unrecovered: 0 };
  const subscribe = (key: string) => {
    const numbers: number[] = [];
    received.set(key, numbers);
    return pb.realtime.subscribe(key, ({ n }) => numbers.push(n));
  };
  await Promise.all([
    subscribe(room),
    subscribe("room/*"),
    pb.realtime.subscribe("PB_CONNECT", () => {
      counts.connects += 1;
    }),
    pb.realtime.subscribe("PB_RESUME", ({ recovered }) => {
      if (!recovered) counts.unrecovered += 1;
    }),
  ]);
  return { pb, received, counts };
}

/** Sends each message again, with the same id, until the service acknowledges it. */
function startPublisher(url: string, random: Random) {
  const rooms: string[] = [];
  let isStopping = false;
  const send = async (topic: string, n: number) => {
    const message = { topic, data: { n }, id: `m${n}` };
    for (;;) {
      const answer = await publish(url, message).catch(() => undefined);
      if (answer?.status === 200) return;
      await pause(20);
    }
  };
  const run = async () => {
    while (!isStopping) {
      const room = `room/${random.between(0, ROOMS - 1)}`;
      await send(room, rooms.length);
      rooms.push(room);
    }
    // A client that has the last message of its keys receives no earlier one.
    for (let n = 0; n < ROOMS; n++) {
      await send(`room/${n}`, rooms.length);
      rooms.push(`room/${n}`);
    }
  };
  const running = run();
  return {
    /** Waits for the last answer. @returns the room of each message. */
    stop: async () => {
      isStopping = true;
      await running;
      return rooms;
    },
  };
}

async function hit(
  strike: number,
  service: Service,
  proxy: TCPProxy,
  { options, random }: { readonly options: SDKChaosOptions; readonly random: Random },
): Promise<Service> {
  if (strike % 5 !== 0) {
    proxy.cutRandom(Math.ceil(proxy.live / random.between(1, 4)));
    return service;
  }
  await service.stop(strike % 2 === 0 ? "SIGTERM" : "SIGKILL");
  const env = { ...options.env, PORT: new URL(service.url).port };
  return startService(options.runtime, { env });
}

/** Waits until every client has the last message of each key. @returns the number of clients that have not. */
async function whenCaughtUp(clients: readonly Client[], rooms: readonly string[]): Promise<number> {
  const isAway = ({ received }: Client) =>
    [...received].some(([key, numbers]) => !numbers.includes(wanted(key, rooms).at(-1) ?? -1));
  const isOver = () => !clients.some(isAway);
  await eventually(isOver, "every instance of the SDK catches up").catch(() => undefined);
  return clients.filter(isAway).length;
}

function wanted(key: string, rooms: readonly string[]): number[] {
  return rooms.flatMap((room, n) => (key === "room/*" || key === room ? [n] : []));
}

function sumUp(clients: readonly Client[], rooms: readonly string[], away: number): SDKChaosResult {
  const counts = { deliveries: 0, lost: 0, doubled: 0, disordered: 0, strange: 0 };
  for (const [key, numbers] of clients.flatMap(({ received }) => [...received])) {
    const all = new Set(wanted(key, rooms));
    const seen = new Set(numbers);
    counts.deliveries += numbers.length;
    counts.doubled += numbers.length - seen.size;
    counts.lost += [...all].filter((n) => !seen.has(n)).length;
    counts.strange += [...seen].filter((n) => !all.has(n)).length;
    counts.disordered += numbers.filter((n, index) => n < (numbers[index - 1] ?? -1)).length;
  }
  const sum = (count: (client: Client) => number) =>
    clients.reduce((all, client) => all + count(client), 0);
  return {
    messages: rooms.length,
    ...counts,
    reconnects: sum((client) => client.counts.connects - 1),
    unrecovered: sum((client) => client.counts.unrecovered),
    away,
  };
}
