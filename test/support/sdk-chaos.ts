/** Instances of the PocketBase SDK, on connections that are cut, to a service that is killed. */
import { publish } from "./api.ts";
import { eventually, pause } from "./deadline.ts";
import { type Random, seededRandom } from "./random.ts";
import { type RuntimeUnderTest, type Service, startService } from "./service.ts";
import { startProxy, type TCPProxy } from "./tcp-proxy.ts";

/** What one instance of the SDK has received. */
export interface SDKState {
  /** The numbers of the messages, by subscription. */
  readonly received: Readonly<Record<string, number[]>>;
  /** PB_CONNECT events. */
  readonly connects: number;
  /** PB_RESUME events with `recovered: false`. */
  readonly unrecovered: number;
}

/** Instances of the SDK under test, in this process or in a page. */
export interface SDKInstances {
  read(): SDKState[] | Promise<SDKState[]>;
  close(): Promise<unknown>;
}

export interface SDKChaosOptions {
  readonly runtime: RuntimeUnderTest;
  /** Settings of the service: `REALTIME_DATA`. */
  readonly env: Readonly<Record<string, string>>;
  /** Opens the instances. All have this address. Each subscribes to `keysOf` its index. */
  readonly open: (url: string) => Promise<SDKInstances>;
  /** Each strike cuts connections. */
  readonly strikes: number;
  /** Whether every fifth strike restarts or kills the service. Default true. */
  readonly kills?: boolean;
  readonly seed: number;
  /** How long the instances get to catch up at the end, in milliseconds. Default 30,000. */
  readonly patience?: number;
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

const ROOMS = 3;
const STRIKE_EVERY = { min: 100, max: 1200 };

/** The subscriptions of an instance. A message to its room matches both. */
export function keysOf(index: number): [room: string, all: string] {
  return [`room/${index % ROOMS}`, "room/*"];
}

export async function runSDKChaos(options: SDKChaosOptions): Promise<SDKChaosResult> {
  const random = seededRandom(options.seed);
  let service = await startService(options.runtime, { env: options.env });
  const budget = () => (random.chance(1 / 3) ? undefined : 2 ** random.between(5, 16));
  const proxy = await startProxy({ target: service.url, random, budget });
  proxy.useBudgets(false);
  let instances: SDKInstances | undefined;
  try {
    instances = await options.open(proxy.url);
    proxy.useBudgets(true);
    const publisher = startPublisher(service.url, random);
    for (let strike = 1; strike <= options.strikes; strike++) {
      await pause(random.between(STRIKE_EVERY.min, STRIKE_EVERY.max));
      service = await hit(strike, service, proxy, { options, random });
    }
    proxy.useBudgets(false);
    const rooms = await publisher.stop();
    const away = await whenCaughtUp(instances, rooms, options.patience);
    return sumUp(await instances.read(), rooms, away);
  } finally {
    await instances?.close();
    await proxy.close();
    await service.stop("SIGKILL");
  }
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
  if (strike % 5 !== 0 || options.kills === false) {
    proxy.cutRandom(Math.ceil(proxy.live / random.between(1, 4)));
    return service;
  }
  await service.stop(strike % 2 === 0 ? "SIGTERM" : "SIGKILL");
  const env = { ...options.env, PORT: new URL(service.url).port };
  return startService(options.runtime, { env });
}

/** Waits until every instance has the last message of each key. @returns the number of instances that have not. */
async function whenCaughtUp(
  instances: SDKInstances,
  rooms: readonly string[],
  patience: number | undefined,
): Promise<number> {
  const isAway = ({ received }: SDKState) =>
    Object.entries(received).some(
      ([key, numbers]) => !numbers.includes(wanted(key, rooms).at(-1) ?? -1),
    );
  const areBack = async () => !(await instances.read()).some(isAway);
  await eventually(areBack, "every instance of the SDK catches up", patience).catch(() => {});
  return (await instances.read()).filter(isAway).length;
}

function wanted(key: string, rooms: readonly string[]): number[] {
  return rooms.flatMap((room, n) => (key === "room/*" || key === room ? [n] : []));
}

function sumUp(
  states: readonly SDKState[],
  rooms: readonly string[],
  away: number,
): SDKChaosResult {
  const counts = { deliveries: 0, lost: 0, doubled: 0, disordered: 0, strange: 0 };
  for (const [key, numbers] of states.flatMap(({ received }) => Object.entries(received))) {
    const all = new Set(wanted(key, rooms));
    const seen = new Set(numbers);
    counts.deliveries += numbers.length;
    counts.doubled += numbers.length - seen.size;
    counts.lost += [...all].filter((n) => !seen.has(n)).length;
    counts.strange += [...seen].filter((n) => !all.has(n)).length;
    counts.disordered += numbers.filter((n, index) => n < (numbers[index - 1] ?? -1)).length;
  }
  const sum = (count: (state: SDKState) => number) =>
    states.reduce((all, state) => all + count(state), 0);
  return {
    messages: rooms.length,
    ...counts,
    reconnects: sum(({ connects }) => connects - 1),
    unrecovered: sum(({ unrecovered }) => unrecovered),
    away,
  };
}

/** A summary in one line. */
export function sdkChaosLine(name: string, seed: number, result: SDKChaosResult): string {
  const counts = Object.entries(result).map(([what, number]) => `${what} ${number}`);
  return `${name}: seed ${seed}, ${counts.join(", ")}`;
}
