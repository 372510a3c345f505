import type { ChaosData } from "./chaos-client.ts";
import type { Random } from "./random.ts";

/** A message as it is posted. */
export interface ChaosMessage {
  readonly topic: string;
  readonly data: ChaosData;
  readonly id?: string;
}

/** Topics of the published messages: rooms, and one other topic. */
export function chaosTopics(clients: number): string[] {
  // Scaled so that a message reaches about the same number of clients for 40 clients as for 200.
  const rooms = Math.max(10, Math.ceil(clients / 5));
  return [...Array.from({ length: rooms }, (_, room) => `room/${room}`), "lobby"];
}

const MOST_WILDCARDS = 10;

/** The subscriptions of each client. Few clients have wildcards, because these get most deliveries. */
export function chaosKeys(clients: number, topics: readonly string[], random: Random): string[][] {
  const wildcards = Math.min(MOST_WILDCARDS, Math.ceil(clients / 10));
  return Array.from({ length: clients }, (_, index) => {
    const own = random.sample(topics, random.between(1, 3));
    if (index < wildcards) return wildcardKeys(index, own);
    if (index % 4 === 0) return [...own, withOptions(random.pick(own))];
    return index % 4 === 1 ? own.map(withOptions) : own;
  });
}

/** Wildcards alone, and with other keys that match the same message. */
function wildcardKeys(index: number, own: readonly string[]): string[] {
  if (index % 4 === 0) return ["room/*", ...own];
  if (index % 4 === 1) return ["*"];
  return index % 4 === 2 ? ["*", "room/*"] : ["room/*", ...own, ...own.map(withOptions), "*"];
}

function withOptions(topic: string): string {
  const options = { query: { why: "chaos" }, headers: { "X-Token": "a b+c" } };
  return `${topic}?options=${encodeURIComponent(JSON.stringify(options))}`;
}

/** Whether a message to `topic` matches the subscription `key`. */
export function isFor(key: string, topic: string): boolean {
  const [subscribed = ""] = key.split("?options=");
  if (subscribed === "*" || subscribed === topic) return true;
  return subscribed.endsWith("/*") && topic.startsWith(subscribed.slice(0, -1));
}

/** Creates messages, numbered from 0, and records the topic of each. */
export class ChaosMessages {
  readonly #topics: readonly string[];
  readonly #random: Random;
  readonly #sentTo: string[] = [];

  constructor(topics: readonly string[], random: Random) {
    this.#topics = topics;
    this.#random = random;
  }

  /** The number of messages. */
  get count(): number {
    return this.#sentTo.length;
  }

  /** The numbers of the messages for a key, in order. */
  numbersFor(key: string): number[] {
    return this.#sentTo.flatMap((topic, n) => (isFor(key, topic) ? [n] : []));
  }

  /** One message to each topic. */
  toEachTopic(): ChaosMessage[] {
    return this.#topics.map((topic) => ({ topic, data: this.#number(topic, 0) }));
  }

  /** The number of the newest message for a key, or -1. */
  newestFor(key: string): number {
    return this.#sentTo.findLastIndex((topic) => isFor(key, topic));
  }

  /**
   * The body of one request: one message, or a list of up to `most` messages. Some have ids, so that they can be posted again.
   */
  next(most: number): {
    readonly body: ChaosMessage | ChaosMessage[];
    readonly isRepeatable: boolean;
  } {
    const random = this.#random;
    const isRepeatable = random.chance(0.2);
    if (random.chance(0.4)) return { body: this.#make(isRepeatable), isRepeatable };
    const body = Array.from({ length: random.between(1, most) }, () => this.#make(isRepeatable));
    return { body, isRepeatable };
  }

  #make(hasId: boolean): ChaosMessage {
    const random = this.#random;
    const topic = random.pick(this.#topics);
    const size = random.chance(0.01) ? 20_000 : random.between(0, 300);
    const data = this.#number(topic, size);
    return hasId ? { topic, data, id: `chaos-${data.n}` } : { topic, data };
  }

  #number(topic: string, size: number): ChaosData {
    const n = this.#sentTo.push(topic) - 1;
    // Characters of three bytes, so that a cut can split a character.
    return { n, padding: "€".repeat(Math.floor(size / 3)) };
  }
}
