import type { Audience, SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import type { LogEntry } from "../types.ts";
import { Delivery, type Recipient, type Slice } from "./delivery.ts";

/** Milliseconds of work in one turn of the event loop. */
const SLICE_MILLISECONDS = 5;

/** What a slice may spend, for runtimes where no time passes while a program computes: a frame is 1, encoding one 4 more. */
export const SLICE_COST = 50_000;

/** Messages on their way, and UTF-16 code units of their data, beyond which publishers wait before they add another. */
const MOST_OPEN = { deliveries: 1000, size: 8 * 1024 * 1024 };

/** What the manager does for its deliveries. */
export interface DeliverySchedulerHost<Client> {
  readonly index: SubscriptionIndex<Client>;
  /** False when the client did not take the frame and was removed. */
  readonly write: (client: Client, frame: Uint8Array) => boolean;
}

/**
 * Messages on their way to the clients that are live. One that reaches many subscriptions gives way to others after some
 * milliseconds, and goes on in a later turn.
 *
 * A message counts as delivered to every live client in the moment it is begun. What a client has not got by then is its
 * own: `settle` writes it before anything else happens to the client. So its order, its place and its keys are what they
 * would be if all had been written at once; and a message to a few clients need not wait for one to many.
 */
export class DeliveryScheduler<Client extends Recipient> {
  readonly #host: DeliverySchedulerHost<Client>;
  readonly #sliceCost: number;
  /** Begun and not yet ended, from the oldest on. */
  readonly #pending: Delivery<Client>[] = [];
  readonly #waiters: { readonly number: number; readonly resolve: () => void }[] = [];
  #newest = 0;
  #size = 0;
  #isScheduled = false;
  readonly #hasOlder = (number: number) => (this.#pending[0]?.number ?? number) < number;
  readonly #settleBefore = (client: Client, number: number) => this.#settle(client, number);

  constructor(host: DeliverySchedulerHost<Client>, sliceCost: number = SLICE_COST) {
    this.#host = host;
    this.#sliceCost = sliceCost;
  }

  /** Begins with messages in their order, and works on them for one slice. */
  deliver(entries: readonly LogEntry[], begin: (entry: LogEntry) => string): void {
    const slice = new WorkSlice(this.#sliceCost);
    for (const entry of entries) {
      const before = begin(entry);
      const { topics, private: isPrivate } = entry.message;
      const reached = this.#host.index.audienceOf(topics, isPrivate);
      if (reached.count === 0) continue;
      const delivery = this.#begin(entry, before, reached);
      if (!slice.isOver && delivery.run(slice)) this.#remove(delivery);
    }
    this.#schedule();
  }

  /** Writes what a client has not got yet of the messages on their way. */
  settle(client: Client): void {
    if (this.#pending.length > 0) this.#settle(client, this.#newest + 1);
  }

  /** The client is live from now on: it has what was begun before. */
  startLive(client: Client): void {
    client.lastDelivery = this.#newest;
  }

  /** Number of the newest delivery. */
  get number(): number {
    return this.#newest;
  }

  /**
   * Resolves when the messages that are on their way now have been written; undefined when none is.
   *
   * @param since Number of a delivery. When none that was begun after it is on its way, nothing is waited for.
   */
  settled(since = 0): Promise<void> | undefined {
    const newest = this.#pending.at(-1);
    if (newest === undefined || newest.number <= since) return undefined;
    return this.#whenDone(newest.number);
  }

  /** Resolves when there may be room for more messages: ask again then. Undefined when there is. */
  room(): Promise<void> | undefined {
    const [oldest] = this.#pending;
    const { deliveries, size } = MOST_OPEN;
    if (oldest === undefined || (this.#pending.length < deliveries && this.#size < size)) {
      return undefined;
    }
    return this.#whenDone(oldest.number);
  }

  #whenDone(number: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ number, resolve }));
  }

  #begin(entry: LogEntry, before: string, reached: Audience<Client>): Delivery<Client> {
    this.#newest += 1;
    const { write } = this.#host;
    const host = { write, hasOlder: this.#hasOlder, settleBefore: this.#settleBefore };
    const delivery = new Delivery(this.#newest, entry, before, reached, host);
    this.#pending.push(delivery);
    this.#size += delivery.size;
    return delivery;
  }

  #settle(client: Client, before: number): void {
    if (client.replay !== undefined) return;
    const first = this.#pending[0]?.number ?? before;
    if (first >= before) return;
    for (let index = this.#indexAfter(client.lastDelivery); ; index++) {
      const delivery = this.#pending[index];
      if (delivery === undefined || delivery.number >= before) return;
      delivery.deliverTo(client, UNBOUNDED);
    }
  }

  /** Of the oldest delivery that is newer than a number. */
  #indexAfter(number: number): number {
    let [low, high] = [0, this.#pending.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pending[middle] as Delivery<Client>).number <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(delivery: Delivery<Client>): void {
    // Most end as the newest or as the oldest; moving the rest would take as long as there are open ones.
    if (this.#pending.at(-1) === delivery) this.#pending.pop();
    else if (this.#pending[0] === delivery) this.#pending.shift();
    else this.#pending.splice(this.#pending.lastIndexOf(delivery), 1);
    this.#size -= delivery.size;
    if (this.#waiters.length === 0) return;
    const oldest = this.#pending[0]?.number ?? Number.POSITIVE_INFINITY;
    const ready = this.#waiters.filter(({ number }) => number < oldest);
    if (ready.length === 0) return;
    const rest = this.#waiters.filter(({ number }) => number >= oldest);
    this.#waiters.splice(0, this.#waiters.length, ...rest);
    for (const { resolve } of ready) resolve();
  }

  #schedule(): void {
    if (this.#pending.length === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      this.#continue();
    });
  }

  #continue(): void {
    const slice = new WorkSlice(this.#sliceCost);
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      if (!next.run(slice)) break;
      this.#remove(next);
      if (slice.isOver) break;
    }
    this.#schedule();
  }
}

/** Work is looked at for its time only now and then: asking the clock costs more than writing a frame. */
const LOOK_EVERY = 64;

class WorkSlice implements Slice {
  readonly #end = performance.now() + SLICE_MILLISECONDS;
  #left: number;
  #untilLook = LOOK_EVERY;
  #isLate = false;

  constructor(cost: number) {
    this.#left = cost;
  }

  get isOver(): boolean {
    return this.#left <= 0 || this.#isLate;
  }

  spend(amount: number): void {
    this.#left -= amount;
    this.#untilLook -= amount;
    if (this.#untilLook > 0) return;
    this.#untilLook = LOOK_EVERY;
    this.#isLate = performance.now() >= this.#end;
  }
}

/** For what must not wait. */
const UNBOUNDED: Slice = { spend: () => {}, isOver: false };
