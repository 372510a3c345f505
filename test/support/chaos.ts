/** Clients with connections that are cut repeatedly, and messages that must reach every client. */
import { publish } from "./api.ts";
import { type ChaosClient, type ClientCounts, openChaosClient } from "./chaos-client.ts";
import { type Faults, findFaults } from "./chaos-faults.ts";
import { ChaosMessages, chaosKeys, chaosTopics } from "./chaos-messages.ts";
import { eventually, pause, within } from "./deadline.ts";
import { type Random, seededRandom } from "./random.ts";
import { startProxy, type TCPProxy } from "./tcp-proxy.ts";

export interface ChaosOptions {
  /** The service. Messages are posted to it directly. Streams go through a proxy that cuts them. */
  readonly url: string;
  readonly clients: number;
  /** Seconds of publishing and cutting, without the gaps. */
  readonly seconds: number;
  /** The same seed repeats the choices, but not their timing. */
  readonly seed: number;
  /** Messages per second. Default 120. */
  readonly rate?: number;
  /** The number of gaps in which nothing is published and no client is cut. Default 0. */
  readonly gaps?: number;
  /** Length of each gap. Default 12,000 ms: workerd evicts a hub after ten idle seconds. */
  readonly gapMilliseconds?: number;
  /** Called at the start of each gap, and after the first messages and cuts that follow it. */
  readonly onGap?: (when: "before" | "after") => Promise<void>;
}

export interface ChaosResult extends Omit<Faults, "described">, ClientCounts {
  readonly messages: number;
  readonly deliveries: number;
  readonly kills: { readonly random: number; readonly budget: number };
  readonly reconnects: number;
  /** Descriptions of the first faults. */
  readonly faults: readonly string[];
}

interface Run {
  readonly options: ChaosOptions;
  readonly random: Random;
  readonly proxy: TCPProxy;
  readonly messages: ChaosMessages;
  readonly clients: ChaosClient[];
}

const PUBLISH_DEADLINE = 20_000;
const CATCH_UP_DEADLINE = 30_000;
const CONNECT_AT_ONCE = 20;
const CUT_EVERY = 250;
const SMALL_BATCH = 8;
const LARGE_BATCH = 24;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const random = seededRandom(options.seed);
  const proxy = await startProxy({ target: options.url, random, budget: () => drawBudget(random) });
  const topics = chaosTopics(options.clients);
  const messages = new ChaosMessages(topics, random);
  const run: Run = { options, random, proxy, messages, clients: [] };
  try {
    await connectAll(run, chaosKeys(options.clients, topics, random));
    const gaps = options.gaps ?? 0;
    const milliseconds = (options.seconds * 1000) / (gaps + 1);
    await storm(run, milliseconds);
    for (let gap = 0; gap < gaps; gap++) {
      await stayQuiet(run);
      await storm(run, milliseconds, () => options.onGap?.("after"));
    }
    await calmDown(run);
    // A repeated message may arrive late.
    await pause(500);
    return sumUp(run);
  } finally {
    for (const client of run.clients) client.close();
    await proxy.close();
  }
}

/**
 * Bytes from 32 to 256 KiB: in the head, in the handshake, in frames and between them. A third of the connections has no limit.
 */
function drawBudget(random: Random): number | undefined {
  return random.chance(1 / 3) ? undefined : Math.floor(2 ** (5 + 13 * random.next()));
}

/** Connects every client, and waits until each has a message under each key, before the first cut. */
async function connectAll(run: Run, keys: readonly (readonly string[])[]): Promise<void> {
  const { proxy, clients, random } = run;
  proxy.useBudgets(false);
  for (let opened = 0; opened < keys.length; opened += CONNECT_AT_ONCE) {
    for (const [index, own] of keys.slice(opened, opened + CONNECT_AT_ONCE).entries()) {
      clients.push(openChaosClient(proxy.url, `client ${opened + index}`, own, random));
    }
    await eventually(() => clients.every((client) => client.isConnected()), "all clients connect");
  }
  await post(run, run.messages.toEachTopic());
  if (!(await haveCaughtUp(run))) throw new Error(`Before the first cut: ${describeWaiting(run)}`);
}

/** Publishes and cuts. */
async function storm(
  run: Run,
  milliseconds: number,
  onStarted: () => Promise<void> | undefined = () => undefined,
): Promise<void> {
  const end = Date.now() + milliseconds;
  run.proxy.useBudgets(true);
  // Cuts half of the clients as the first message is published. After a gap, the hub is evicted at that time.
  run.proxy.cutRandom(Math.ceil(run.clients.length / 2));
  await post(run, run.messages.next(SMALL_BATCH).body);
  await Promise.all([publishUntil(run, end), cutUntil(run, end), onStarted()]);
  run.proxy.useBudgets(false);
}

/** One request at a time, so that the order of the messages is known. */
async function publishUntil(run: Run, end: number): Promise<void> {
  const { messages, options, random } = run;
  const { rate = 120 } = options;
  const start = Date.now();
  const first = messages.count;
  const again: unknown[] = [];
  while (Date.now() < end) {
    // A slow request causes a larger batch in the next one.
    const behind = ((Date.now() - start) / 1000) * rate - (messages.count - first);
    const most = Math.min(LARGE_BATCH, Math.max(SMALL_BATCH, Math.ceil(behind)));
    const { body, isRepeatable } = messages.next(most);
    await post(run, body);
    if (isRepeatable && random.chance(0.5)) again.push(body);
    // Posts the same ids again, as after a lost response, with or without other messages in between.
    if (again.length > 0 && random.chance(0.3)) await post(run, again.shift());
    const due = start + ((messages.count - first) / rate) * 1000;
    await pause(Math.max(0, due - Date.now()));
  }
}

async function cutUntil({ proxy, clients }: Run, end: number): Promise<void> {
  for (let round = 1; Date.now() < end; round++) {
    await pause(CUT_EVERY);
    // Cuts each client about every eight seconds, and sometimes half of the clients together.
    proxy.cutRandom(Math.ceil(clients.length / (round % 20 === 0 ? 2 : 32)));
  }
}

async function stayQuiet(run: Run): Promise<void> {
  const { clients, options } = run;
  if (!(await haveCaughtUp(run))) throw new Error(`Before a gap: ${describeWaiting(run)}`);
  await eventually(
    () => clients.every((client) => client.isConnected()),
    "all clients have reconnected",
  );
  await options.onGap?.("before");
  await pause(options.gapMilliseconds ?? 12_000);
}

/** Publishes a last message to every topic. A client that has received it receives no earlier message afterwards. */
async function calmDown(run: Run): Promise<void> {
  await post(run, run.messages.toEachTopic());
  // A client that is late has lost a message, which is reported with the other faults.
  await haveCaughtUp(run);
}

/** Whether every client has the newest message of each of its keys before the deadline. */
function haveCaughtUp(run: Run): Promise<boolean> {
  return eventually(
    () => waiting(run).length === 0,
    "all clients catch up",
    CATCH_UP_DEADLINE,
  ).then(
    () => true,
    () => false,
  );
}

function waiting({ clients, messages }: Run): ChaosClient[] {
  const newest = new Map<string, number>();
  return clients.filter(({ keys, newest: has }) =>
    keys.some((key) => {
      const last = newest.get(key) ?? messages.newestFor(key);
      newest.set(key, last);
      return has(key) < last;
    }),
  );
}

function describeWaiting(run: Run): string {
  const late = waiting(run).map((client) => {
    const { opened } = client.counts;
    return `${client.name} (${client.keys}), connected ${opened} times, ${client.gaveUp() ?? ""}`;
  });
  return `${late.length} clients wait for messages: ${late.slice(0, 3).join("; ")}`;
}

async function post(run: Run, body: unknown): Promise<void> {
  const answer = await within(
    publish(run.options.url, body),
    PUBLISH_DEADLINE,
    "a post is answered",
  );
  if (answer.status !== 200) throw new Error(`A post was answered ${answer.status}`);
}

function sumUp({ clients, messages, proxy }: Run): ChaosResult {
  const { described, ...faults } = findFaults(clients, messages);
  const sum = (count: (client: ChaosClient) => number) =>
    clients.reduce((all, client) => all + count(client), 0);
  const opened = sum(({ counts }) => counts.opened);
  return {
    ...faults,
    faults: described,
    messages: messages.count,
    deliveries: sum(({ received }) => received.length),
    kills: { ...proxy.kills },
    opened,
    reconnects: opened - clients.length,
    recovered: sum(({ counts }) => counts.recovered),
    replayed: sum(({ counts }) => counts.replayed),
    unrecovered: sum(({ counts }) => counts.unrecovered),
  };
}

/** A summary of the run in one line. */
export function chaosLine(name: string, options: ChaosOptions, result: ChaosResult): string {
  const { kills, recovered, replayed } = result;
  return [
    `chaos on ${name}: seed ${options.seed}`,
    `${options.clients} clients`,
    `${options.seconds} s`,
    `${result.messages} messages`,
    `${result.deliveries} deliveries`,
    `kills ${kills.random + kills.budget} (${kills.random} at random, ${kills.budget} by bytes)`,
    `reconnects ${result.reconnects}`,
    `replays ${recovered} of ${replayed} messages`,
    `unrecovered ${result.unrecovered}`,
    `lost ${result.lost}`,
    `doubled ${result.doubled}`,
    `disordered ${result.disordered}`,
    `strange ${result.strange}`,
  ].join(", ");
}
