/** Clients of `pocketwire/client` over a network that fails, while messages arrive and subscriptions and tokens change. */
import { publish } from "../api.ts";
import { eventually, pause } from "../deadline.ts";
import { startFaultyNetwork } from "../faulty-network.ts";
import { type Random, seededRandom } from "../random.ts";
import { startProxy, type TCPProxy } from "../tcp-proxy.ts";
import { type ClientFaults, MessageBook } from "./book.ts";
import { ChaosMember, TOPICS } from "./member.ts";

/** The service under test. */
export interface ClientChaosTarget {
  readonly name: string;
  /** The address of the service. It stays the same over restarts. */
  readonly url: string;
  /** Kills the service, or one of its processes, and starts it again. Missing: it is not killed. */
  readonly kill?: () => Promise<unknown>;
}

export interface ClientChaosOptions {
  readonly target: ClientChaosTarget;
  readonly clients: number;
  readonly strikes: number;
  readonly seed: number;
  /** Milliseconds of the longest time in which the network forwards nothing. Default 2,000. */
  readonly longestStall?: number;
}

export interface ClientChaosResult extends ClientFaults {
  readonly messages: number;
  readonly deliveries: number;
  readonly subscriptions: number;
  readonly tokens: number;
  readonly gaps: number;
  readonly cuts: number;
  readonly struck: Readonly<Record<string, number>>;
}

const CATCH_UP_DEADLINE = 90_000;

/** The network between the clients and the service: it cuts connections at any byte, and goes dark. */
interface Network {
  readonly url: string;
  readonly proxy: TCPProxy;
  stall(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

async function startNetwork(target: string, random: Random): Promise<Network> {
  const budget = () => (random.chance(0.5) ? undefined : Math.floor(2 ** (7 + 10 * random.next())));
  const proxy = await startProxy({ target, random, budget });
  proxy.useBudgets(false);
  const dark = await startFaultyNetwork(Number(new URL(proxy.url).port));
  return {
    url: dark.url.replace("redis:", "http:"),
    proxy,
    stall: async (milliseconds) => {
      dark.goDark();
      await pause(milliseconds);
      // Half of the time the connections of the dark time stay dead.
      if (random.chance(0.5)) dark.cut();
      dark.goLight();
    },
    close: async () => {
      await dark.close();
      await proxy.close();
    },
  };
}

/** Publishes one batch after the other, and each again with the same ids until the service has it. */
async function publishUntil(url: string, book: MessageBook, random: Random, isOver: () => boolean) {
  while (!isOver()) {
    await post(url, book, random.sample([...TOPICS, ...TOPICS], random.between(1, 8)));
    await pause(random.between(0, 30));
  }
}

async function post(url: string, book: MessageBook, topics: readonly string[]): Promise<void> {
  const body = topics.map((topic) => {
    const n = book.add(topic);
    return { topic, data: { n }, id: `chaos-${n}`, private: topic.startsWith("secret/") };
  });
  const isAccepted = async () => {
    const answer = await publish(url, body).catch(() => undefined);
    if (answer !== undefined && ![200, 502, 503].includes(answer.status)) {
      throw new Error(`A post was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer?.status === 200;
  };
  await eventually(isAccepted, "a batch is accepted", 60_000);
}

/**
 * Publishes to every topic until all clients have the newest messages: a subscription that was added last may begin after the
 * first of them. A subscription that has the last message of its topic receives no earlier message afterwards.
 */
async function calmDown(url: string, book: MessageBook, members: readonly ChaosMember[]) {
  const end = Date.now() + CATCH_UP_DEADLINE;
  const haveCaughtUp = () => members.every((member) => member.hasCaughtUp());
  while (!haveCaughtUp() && Date.now() < end) {
    await post(url, book, TOPICS);
    await eventually(haveCaughtUp, "all clients catch up", 3000).catch(() => {});
  }
  const late = members.filter((member) => !member.hasCaughtUp());
  if (late.length > 0) console.log(late.map((member) => member.describe()).join("\n"));
}

export async function runClientChaos(options: ClientChaosOptions): Promise<ClientChaosResult> {
  const { target, seed, strikes, longestStall = 2000 } = options;
  const random = seededRandom(seed);
  const book = new MessageBook();
  const network = await startNetwork(target.url, random);
  const members = Array.from(
    { length: options.clients },
    (_, index) => new ChaosMember(network.url, index, book, random),
  );
  const struck: Record<string, number> = {};
  const kinds: Record<string, () => unknown> = {
    "half of the connections are cut": () => network.proxy.cutRandom(options.clients),
    "connections are cut after some bytes": async () => {
      network.proxy.useBudgets(true);
      network.proxy.cutRandom(options.clients);
      await pause(random.between(500, 2000));
      network.proxy.useBudgets(false);
    },
    "the network is dark": () => network.stall(random.between(100, longestStall)),
    ...(target.kill && { "the service is killed": target.kill }),
  };
  let isOver = false;
  try {
    for (const { client } of members) await client.connected();
    for (const member of members) member.begin();
    const running = [
      publishUntil(target.url, book, random, () => isOver),
      ...members.map(async (member) => {
        for (; !isOver; await pause(random.between(20, 300))) member.change();
      }),
    ];
    const names = Object.keys(kinds);
    for (let strike = 0; strike < strikes; strike++) {
      // Each kind in turn first, then at random.
      const name = names[strike] ?? random.pick(names);
      struck[name] = (struck[name] ?? 0) + 1;
      await kinds[name]?.();
      await pause(random.between(200, 1500));
    }
    isOver = true;
    await Promise.all(running);
    await calmDown(target.url, book, members);
    await pause(500);
    for (const member of members) member.check();
    const sum = (count: (member: ChaosMember) => number) =>
      members.reduce((all, member) => all + count(member), 0);
    return {
      ...book.faults,
      messages: book.count,
      deliveries: sum(({ counts }) => counts.deliveries),
      subscriptions: sum(({ counts }) => counts.subscriptions),
      tokens: sum(({ counts }) => counts.tokens),
      gaps: sum(({ client }) => client.gaps()),
      cuts: network.proxy.kills.random + network.proxy.kills.budget,
      struck,
    };
  } finally {
    isOver = true;
    for (const member of members) member.close();
    await network.close();
  }
}
