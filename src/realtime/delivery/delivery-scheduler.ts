import type { MessageContents } from "../records/message-contents.ts";
import type { Audience, SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import type { LogEntry } from "../types.ts";
import { Delivery, type DeliveryHost, type Recipient } from "./delivery.ts";
import { UNLIMITED, WorkSlice } from "./work-slice.ts";

/**
 * The default of `sliceCost`. Writing a frame costs 1, and encoding a frame costs 4. The cost bounds a slice in workerd, where
 * the clock stands still while code runs. In other runtimes a slice usually ends earlier, because of its time limit.
 */
export const SLICE_COST = 50_000;

/** Publishers must wait while this many deliveries are unfinished, or while their messages have this many UTF-16 code units. */
const MAX_PENDING = { deliveries: 1000, size: 8 * 1024 * 1024 };

/** What the scheduler needs from its manager. */
export interface DeliverySchedulerHost<Client> {
  readonly index: SubscriptionIndex<Client>;
  readonly contents: MessageContents;
  /** Writes a frame. Returns false when the client was too slow and has been removed. */
  readonly write: (client: Client, frame: Uint8Array) => boolean;
}

/**
 * Delivers messages to live clients. A delivery to many clients is divided into slices of a few milliseconds. Other work runs
 * between two slices. A message for few clients is delivered while an earlier delivery to many clients is unfinished.
 *
 * The rest of the core may treat a message as delivered to all clients when its delivery starts. To make this true for a
 * client, the core calls `settle` before it sends, changes or removes the client: `settle` writes the frames that unfinished
 * deliveries still have for this client. The client therefore receives its messages in the order of the log, and its
 * position and keys are the same as if no delivery had been divided.
 */
export class DeliveryScheduler<Client extends Recipient> {
  readonly #index: SubscriptionIndex<Client>;
  readonly #contents: MessageContents;
  readonly #sliceCost: number;
  readonly #deliveryHost: DeliveryHost<Client>;
  /** Unfinished deliveries, the oldest first. */
  readonly #pending: Delivery<Client>[] = [];
  readonly #waiters: { readonly number: number; readonly resolve: () => void }[] = [];
  #newest = 0;
  #pendingSize = 0;
  #isScheduled = false;

  /** @param sliceCost Cost after which a slice ends. Default `SLICE_COST`. */
  constructor(
    { index, contents, write }: DeliverySchedulerHost<Client>,
    sliceCost: number = SLICE_COST,
  ) {
    this.#index = index;
    this.#contents = contents;
    this.#sliceCost = sliceCost;
    this.#deliveryHost = {
      write,
      hasOlder: (number) => (this.#pending[0]?.number ?? number) < number,
      settleBefore: (client, number) => this.#settleBefore(client, number),
    };
  }

  /**
   * Starts the deliveries of messages in their order, and works on these deliveries for one slice.
   *
   * @param onStart Called when the delivery of an entry starts. Returns the cursor of the entry before it.
   */
  deliver(entries: readonly LogEntry[], onStart: (entry: LogEntry) => string): void {
    const slice = new WorkSlice(this.#sliceCost);
    for (const entry of entries) {
      const previousCursor = onStart(entry);
      const { topics, private: isPrivate } = entry.message;
      const audience = this.#index.audienceOf(topics, isPrivate);
      if (audience.count === 0) continue;
      const delivery = this.#start(entry, previousCursor, audience);
      if (!slice.isOver && delivery.run(slice)) this.#remove(delivery);
    }
    this.#schedule();
  }

  /** Writes to a client the frames that unfinished deliveries have for this client. Removes a client that is too slow. */
  settle(client: Client): void {
    if (this.#pending.length > 0) this.#settleBefore(client, this.#newest + 1);
  }

  /** Makes a client live: the client receives the messages of later deliveries. */
  startLive(client: Client): void {
    client.lastDelivery = this.#newest;
  }

  /** The number of the newest delivery; 0 before the first. */
  get number(): number {
    return this.#newest;
  }

  /**
   * Resolves when the deliveries that are unfinished now are finished. Undefined when no delivery with a number greater than
   * `since` is unfinished.
   *
   * @param since The number of a delivery. Default 0.
   */
  settled(since = 0): Promise<void> | undefined {
    const newest = this.#pending.at(-1);
    if (newest === undefined || newest.number <= since) return undefined;
    return this.#whenFinished(newest.number);
  }

  /**
   * Undefined when publishers may add messages now. Otherwise a promise that resolves when the oldest delivery is finished.
   * Call `room` again when the promise has resolved.
   */
  room(): Promise<void> | undefined {
    const [oldest] = this.#pending;
    const { deliveries, size } = MAX_PENDING;
    if (oldest === undefined || (this.#pending.length < deliveries && this.#pendingSize < size)) {
      return undefined;
    }
    return this.#whenFinished(oldest.number);
  }

  /** Resolves when the deliveries up to a number are finished. */
  #whenFinished(number: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ number, resolve }));
  }

  #start(entry: LogEntry, previousCursor: string, audience: Audience<Client>): Delivery<Client> {
    this.#newest += 1;
    const host = this.#deliveryHost;
    const content = this.#contents.of(entry);
    const delivery = new Delivery(this.#newest, entry, content, previousCursor, audience, host);
    this.#pending.push(delivery);
    this.#pendingSize += delivery.size;
    return delivery;
  }

  #settleBefore(client: Client, number: number): void {
    if (client.replay !== undefined) return;
    const oldest = this.#pending[0]?.number ?? number;
    if (oldest >= number) return;
    for (let index = this.#indexAfter(client.lastDelivery); ; index++) {
      const delivery = this.#pending[index];
      if (delivery === undefined || delivery.number >= number) return;
      delivery.deliverTo(client, UNLIMITED);
    }
  }

  /** Finds the index of the oldest unfinished delivery with a greater number, by binary search. */
  #indexAfter(number: number): number {
    let [low, high] = [0, this.#pending.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pending[middle]?.number ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(delivery: Delivery<Client>): void {
    // Most deliveries are the newest or the oldest when they finish. These are quick to remove. `splice` moves all later
    // items.
    if (this.#pending.at(-1) === delivery) this.#pending.pop();
    else if (this.#pending[0] === delivery) this.#pending.shift();
    else this.#pending.splice(this.#pending.lastIndexOf(delivery), 1);
    this.#pendingSize -= delivery.size;
    if (this.#waiters.length > 0) this.#resolveWaiters();
  }

  #resolveWaiters(): void {
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
