import type { ChaosClient, Received } from "./chaos-client.ts";
import type { ChaosMessages } from "./chaos-messages.ts";

/** Deviations of the received messages from the published ones. */
export interface Faults {
  /** Messages that did not arrive under a key that they match. */
  lost: number;
  /** Repeated deliveries under the same key. */
  doubled: number;
  /** Deliveries of an older message after a newer one, whatever the keys. */
  disordered: number;
  /** Deliveries under a key that the message does not match. */
  strange: number;
  /** Descriptions of the first faults. */
  readonly described: string[];
}

const MOST_DESCRIBED = 10;

/** Compares what every client received with what was published. */
export function findFaults(clients: readonly ChaosClient[], messages: ChaosMessages): Faults {
  const faults: Faults = { lost: 0, doubled: 0, disordered: 0, strange: 0, described: [] };
  const wanted = new Map<string, number[]>();
  for (const client of clients) {
    const reason = client.gaveUp();
    if (reason !== undefined) describe(faults, `${client.name} does not reconnect: ${reason}`);
    const seen = checkDeliveries(client, faults);
    for (const key of client.keys) {
      const numbers = wanted.get(key) ?? messages.numbersFor(key);
      wanted.set(key, numbers);
      checkKey(client, key, numbers, seen.get(key) ?? new Set(), faults);
    }
  }
  return faults;
}

/** Checks the order of all deliveries, and returns the messages of each key. */
function checkDeliveries(client: ChaosClient, faults: Faults): Map<string, Set<number>> {
  const seen = new Map<string, Set<number>>(client.keys.map((key) => [key, new Set()]));
  let newest = -1;
  for (const [index, { key, n }] of client.received.entries()) {
    const ofKey = seen.get(key);
    if (ofKey?.has(n)) {
      faults.doubled += 1;
      describe(faults, `${at(client, key)} got ${n} twice: ${around(client.received, index)}`);
    } else if (n < newest) {
      faults.disordered += 1;
      const text = `${at(client, key)} got ${n} after ${newest}: ${around(client.received, index)}`;
      describe(faults, text);
    }
    ofKey?.add(n);
    newest = Math.max(newest, n);
  }
  return seen;
}

function checkKey(
  client: ChaosClient,
  key: string,
  wanted: readonly number[],
  seen: ReadonlySet<number>,
  faults: Faults,
): void {
  for (const n of wanted) {
    if (seen.has(n)) continue;
    faults.lost += 1;
    const next = client.received.findIndex((received) => received.n > n);
    const index = next === -1 ? client.received.length : next;
    describe(faults, `${at(client, key)} did not get ${n}: ${around(client.received, index)}`);
  }
  const all = new Set(wanted);
  for (const n of seen) {
    if (all.has(n)) continue;
    faults.strange += 1;
    describe(faults, `${at(client, key)} got ${n}, which does not match the key`);
  }
}

function describe(faults: Faults, text: string): void {
  if (faults.described.length < MOST_DESCRIBED) faults.described.push(text);
}

function at(client: ChaosClient, key: string): string {
  return `${client.name}, key ${short(key)},`;
}

/** The events before and after an index, with their ids. */
function around(received: readonly Received[], index: number): string {
  const near = received.slice(Math.max(0, index - 3), index + 3);
  const list = near.map(({ key, n, id }) => `${n} (${short(key)}, id ${id})`).join(", ");
  return `around it ${list === "" ? "nothing" : list}`;
}

function short(key: string): string {
  return key.replace(/\?options=.*/, "?options");
}
