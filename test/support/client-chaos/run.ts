/** Clients of `pocketwire/client` over a network that fails, while messages arrive and subscriptions and tokens change. */
import { pause } from "../deadline.ts";
import { seededRandom } from "../random.ts";
import { type ClientFaults, MessageBook } from "./book.ts";
import { ChaosMember } from "./member.ts";
import { startNetwork } from "./network.ts";
import { calmDown, publishUntil } from "./publishing.ts";

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
