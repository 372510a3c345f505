import type { Message } from "../../../src/client/types.ts";

/** Deviations of what subscriptions received from what was published. */
export interface ClientFaults {
  lost: number;
  doubled: number;
  disordered: number;
  /** Descriptions of the first faults. */
  readonly described: string[];
}

const MOST_DESCRIBED = 10;

/** All published messages, in their order, and the check of what subscriptions received. */
export class MessageBook {
  readonly faults: ClientFaults = { lost: 0, doubled: 0, disordered: 0, described: [] };
  /** The topic of each message. Message n is at n - 1. */
  readonly #topics: string[] = [];

  get count(): number {
    return this.#topics.length;
  }

  /** Numbers a message. */
  add(topic: string): number {
    return this.#topics.push(topic);
  }

  /** Numbers of the messages for a subscribed topic, from `from` on. */
  numbersFor(topic: string, from = 1): number[] {
    const all: number[] = [];
    for (let n = Math.max(from, 1); n <= this.#topics.length; n++) {
      if (matches(topic, this.#topics[n - 1] ?? "")) all.push(n);
    }
    return all;
  }

  newestFor(topic: string): number {
    return this.#topics.findLastIndex((one) => matches(topic, one)) + 1;
  }

  /**
   * Checks that a subscription received every message from its first to its last once and in order.
   *
   * @param from The first message that must have arrived. Default: the first that did.
   * @param to The last message that must have arrived. Default: the last that did.
   */
  check(name: string, topic: string, received: readonly number[], from?: number, to?: number) {
    const seen = new Set<number>();
    let newest = 0;
    for (const n of received) {
      if (seen.has(n)) {
        this.faults.doubled += 1;
        this.#describe(`${name}, ${topic}: ${n} twice, in ${around(received, n)}`);
      } else if (n < newest) {
        this.faults.disordered += 1;
        this.#describe(`${name}, ${topic}: ${n} after ${newest}, in ${around(received, n)}`);
      }
      seen.add(n);
      newest = Math.max(newest, n);
    }
    const first = Math.min(
      from ?? Number.POSITIVE_INFINITY,
      received[0] ?? Number.POSITIVE_INFINITY,
    );
    const last = Math.max(to ?? 0, newest);
    for (const n of this.numbersFor(topic, first)) {
      if (n > last || seen.has(n)) continue;
      this.faults.lost += 1;
      this.#describe(`${name}, ${topic}: ${n} is missing, ${around(received, n)}`);
    }
  }

  #describe(text: string): void {
    if (this.faults.described.length < MOST_DESCRIBED) this.faults.described.push(text);
  }
}

/** The number in a message of the book. */
export function numberOf({ data }: Message): number {
  return (data as { readonly n: number }).n;
}

/** Whether a subscribed topic receives the messages of a topic. */
export function matches(subscribed: string, topic: string): boolean {
  if (subscribed === "*" || subscribed === topic) return true;
  return subscribed.endsWith("/*") && topic.startsWith(subscribed.slice(0, -1));
}

function around(received: readonly number[], n: number): string {
  const index = received.findIndex((one) => one >= n);
  const at = index === -1 ? received.length : index;
  return JSON.stringify(received.slice(Math.max(0, at - 3), at + 4));
}
