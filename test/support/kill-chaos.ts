/** A service that is killed repeatedly, publishers that send again until they are answered, and clients that reconnect. */
import { publish } from "./api.ts";
import { type ChaosClient, type ClientCounts, openChaosClient } from "./chaos-client.ts";
import { type Faults, findFaults } from "./chaos-faults.ts";
import { type ChaosMessage, ChaosMessages, chaosKeys, chaosTopics } from "./chaos-messages.ts";
import { eventually, pause } from "./deadline.ts";
import { type Random, seededRandom } from "./random.ts";
import { type RuntimeUnderTest, startService } from "./service.ts";

/** The service under test, and what disturbs it. */
export interface ChaosTarget {
  /** For the summary. */
  readonly name: string;
  readonly url: string;
  /** Disturbs the service, and lets it recover. */
  readonly strike: () => Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

export interface KillChaosOptions {
  readonly target: ChaosTarget;
  /** Publishers that send at the same time. Each has topics and clients of its own, so that the order of its messages is known. */
  readonly publishers: number;
  /** Clients of each publisher. */
  readonly clients: number;
  readonly kills: number;
  readonly seed: number;
}

export interface KillChaosResult extends Omit<Faults, "described">, Omit<ClientCounts, "opened"> {
  readonly messages: number;
  readonly deliveries: number;
  readonly reconnects: number;
  /** Requests that failed and were sent again. */
  readonly retries: number;
  /** Messages that the service had stored already when they were sent again. */
  readonly duplicates: number;
  readonly faults: readonly string[];
}

const KILL_EVERY = { min: 200, max: 1500 };
const MOST_IN_BATCH = 12;
const CATCH_UP_DEADLINE = 60_000;

/** One publisher with its topics, and the clients that subscribe to them. */
class Group {
  readonly messages: ChaosMessages;
  readonly clients: ChaosClient[] = [];
  retries = 0;
  duplicates = 0;
  readonly #url: string;
  readonly #name: string;
  readonly #random: Random;
  readonly #keys: readonly (readonly string[])[];

  constructor(url: string, name: string, clients: number, random: Random) {
    const own = (topic: string) => `${name}/${topic}`;
    const topics = chaosTopics(clients);
    this.#url = url;
    this.#name = name;
    this.#random = random;
    this.messages = new ChaosMessages(topics.map(own), random);
    // `*` would also receive the messages of the other publishers.
    this.#keys = chaosKeys(clients, topics, random).map((keys) => keys.map(own));
  }

  /** Connects the clients, each of which then has a message under each of its keys. */
  async connect(): Promise<void> {
    for (const [index, keys] of this.#keys.entries()) {
      const name = `client ${index} of ${this.#name}`;
      this.clients.push(openChaosClient(this.#url, name, keys, this.#random));
    }
    const areConnected = () => this.clients.every((client) => client.isConnected());
    await eventually(areConnected, "all clients connect");
    await this.post(this.messages.toEachTopic());
    await eventually(() => this.hasCaughtUp(), "all clients receive the first messages");
  }

  async publishUntil(isOver: () => boolean): Promise<void> {
    const again: (readonly ChaosMessage[])[] = [];
    while (!isOver()) {
      const { body } = this.messages.next(MOST_IN_BATCH);
      const batch = Array.isArray(body) ? body : [body];
      await this.post(batch);
      // As after a lost answer: the same ids once more, possibly after a kill.
      if (this.#random.chance(0.1)) again.push(batch);
      if (again.length > 0 && this.#random.chance(0.1)) await this.post(again.shift() ?? []);
      await pause(this.#random.between(0, 20));
    }
  }

  /** Sends messages again, with the same ids, until the service acknowledges them. */
  async post(messages: readonly ChaosMessage[]): Promise<void> {
    const body = messages.map((message) => ({ ...message, id: `${this.#name}-${message.data.n}` }));
    const isAcknowledged = async () => {
      const answer = await publish(this.#url, body).catch(() => undefined);
      if (answer?.status === 200) {
        const receipts: readonly { readonly duplicate?: boolean }[] = answer.body;
        this.duplicates += receipts.filter(({ duplicate }) => duplicate === true).length;
        return true;
      }
      // A load balancer answers 502 when a process ends during a request.
      if (answer !== undefined && answer.status !== 503 && answer.status !== 502) {
        throw new Error(`A post was answered ${answer.status}`);
      }
      this.retries += 1;
      return false;
    };
    await eventually(isAcknowledged, "a batch is acknowledged");
  }

  hasCaughtUp(): boolean {
    return this.clients.every(({ keys, newest }) =>
      keys.every((key) => newest(key) >= this.messages.newestFor(key)),
    );
  }
}

/**
 * Starts a service that each strike kills and starts again.
 *
 * @param env Settings of the service: a fixed PORT, and REALTIME_DATA.
 */
export async function startKilledService(
  runtime: RuntimeUnderTest,
  env: Readonly<Record<string, string>>,
): Promise<ChaosTarget> {
  let service = await startService(runtime, { env });
  return {
    name: runtime.name,
    url: service.url,
    strike: async () => {
      await service.stop("SIGKILL");
      service = await startService(runtime, { env });
    },
    stop: () => service.stop("SIGKILL"),
  };
}

export async function runKillChaos(options: KillChaosOptions): Promise<KillChaosResult> {
  const { target, seed } = options;
  const random = seededRandom(seed);
  const groups = Array.from(
    { length: options.publishers },
    (_, index) => new Group(target.url, `p${index}`, options.clients, random),
  );
  try {
    for (const group of groups) await group.connect();
    let isOver = false;
    const publishing = groups.map((group) => group.publishUntil(() => isOver));
    for (let kill = 0; kill < options.kills; kill++) {
      await pause(random.between(KILL_EVERY.min, KILL_EVERY.max));
      await target.strike();
    }
    isOver = true;
    await Promise.all(publishing);
    // A client that has received the last message of each topic receives no earlier message afterwards.
    for (const group of groups) await group.post(group.messages.toEachTopic());
    const haveCaughtUp = () => groups.every((group) => group.hasCaughtUp());
    // A client that is late has lost a message, which is reported with the other faults.
    await eventually(haveCaughtUp, "all clients catch up", CATCH_UP_DEADLINE).catch(() => {});
    // A repeated message may arrive late.
    await pause(500);
    return sumUp(groups);
  } finally {
    for (const { clients } of groups) for (const client of clients) client.close();
    await target.stop();
  }
}

function sumUp(groups: readonly Group[]): KillChaosResult {
  const faults = groups.map(({ clients, messages }) => findFaults(clients, messages));
  const clients = groups.flatMap((group) => group.clients);
  const sum = <T>(list: readonly T[], count: (item: T) => number) =>
    list.reduce((all, item) => all + count(item), 0);
  return {
    lost: sum(faults, ({ lost }) => lost),
    doubled: sum(faults, ({ doubled }) => doubled),
    disordered: sum(faults, ({ disordered }) => disordered),
    strange: sum(faults, ({ strange }) => strange),
    faults: faults.flatMap(({ described }) => described),
    messages: sum(groups, ({ messages }) => messages.count),
    deliveries: sum(clients, ({ received }) => received.length),
    reconnects: sum(clients, ({ counts }) => counts.opened - 1),
    recovered: sum(clients, ({ counts }) => counts.recovered),
    replayed: sum(clients, ({ counts }) => counts.replayed),
    unrecovered: sum(clients, ({ counts }) => counts.unrecovered),
    retries: sum(groups, ({ retries }) => retries),
    duplicates: sum(groups, ({ duplicates }) => duplicates),
  };
}

/** A summary of the run in one line. */
export function killChaosLine(options: KillChaosOptions, result: KillChaosResult): string {
  return [
    `kills of ${options.target.name}: seed ${options.seed}`,
    `${options.kills} kills`,
    `${options.publishers} publishers`,
    `${options.publishers * options.clients} clients`,
    `${result.messages} messages`,
    `${result.retries} requests sent again`,
    `${result.duplicates} messages recognised`,
    `${result.deliveries} deliveries`,
    `reconnects ${result.reconnects}`,
    `replays ${result.recovered} of ${result.replayed} messages`,
    `unrecovered ${result.unrecovered}`,
    `lost ${result.lost}`,
    `doubled ${result.doubled}`,
    `disordered ${result.disordered}`,
    `strange ${result.strange}`,
  ].join(", ");
}
