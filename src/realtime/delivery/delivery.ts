import { formatSSEMessage } from "../sse.ts";
import type { Audience } from "../subscriptions/subscription-index.ts";
import { byKeyHash, type Subscription } from "../subscriptions/subscription-table.ts";
import type { LogEntry } from "../types.ts";

/** A client as far as deliveries go. */
export interface Recipient {
  /** Set while it is led to the present: what is live is not for it yet. */
  readonly replay: unknown;
  /** Number of the newest delivery that it has had or has no part in. */
  lastDelivery: number;
}

/** Up to so many subscriptions are looked at for each client; where there are more, the client's own are. */
const FEW = 16;

/** Bytes of frames that are kept for other clients of the same keys. */
const MOST_SHARED_BYTES = 4 * 1024 * 1024;

/** What encoding a frame counts for, beside writing it. */
const ENCODE_COST = 4;

const encoder = new TextEncoder();

/** A share of the event loop: what is done in one go before others get their turn. */
export interface Slice {
  spend(amount: number): void;
  readonly isOver: boolean;
}

/** What a delivery does for its clients. */
export interface DeliveryHost<Client> {
  /** False when the client did not take the frame and was removed. */
  readonly write: (client: Client, frame: Uint8Array) => boolean;
  /** Whether an earlier delivery has not ended. */
  readonly hasOlder: (number: number) => boolean;
  /** Gives a client what earlier deliveries still have for it. */
  readonly settleBefore: (client: Client, number: number) => void;
}

/** A subscription, and its frames: the last that a client gets of the message, and one that another follows. */
interface Target<Client> {
  readonly subscription: Subscription<Client>;
  last: Uint8Array | undefined;
  other: Uint8Array | undefined;
}

/**
 * One message on its way to everybody it matches. It can stop after any client and go on later: who had the message is
 * written down with each client.
 *
 * A client gets the message under each of its keys, one behind the other, in the order of their marks. It must be able to
 * resume between two. So all but its last delivery name the place before the message, and the key.
 */
export class Delivery<Client extends Recipient> {
  readonly number: number;
  /** UTF-16 code units of data. */
  readonly size: number;
  readonly #entry: LogEntry;
  readonly #before: string;
  readonly #audience: Audience<Client>;
  readonly #host: DeliveryHost<Client>;
  readonly #subscriptions: Iterator<Subscription<Client>>;
  /** All that the message reaches, in order, if they are few. */
  readonly #few: readonly Target<Client>[] | undefined;
  /** How many of the subscriptions have been begun. */
  #begun = 0;
  /** Goes on where it stopped: unlike a generator, the iterator of a Set outlives a loop that breaks. */
  #clients: Iterable<Client> | undefined;
  /** Of many subscriptions, those with several clients. */
  #shared = new Map<Subscription<Client>, Target<Client>>();
  #sharedBytes = 0;

  /** @param before Cursor of the message before. */
  constructor(
    number: number,
    entry: LogEntry,
    before: string,
    reached: Audience<Client>,
    host: DeliveryHost<Client>,
  ) {
    this.number = number;
    this.size = entry.message.data.length;
    this.#entry = entry;
    this.#before = before;
    this.#audience = reached;
    this.#host = host;
    if (reached.count <= FEW) {
      const few = [...reached.subscriptions()];
      if (few.length > 1) few.sort(byKeyHash);
      this.#few = few.map(newTarget);
      this.#subscriptions = few.values();
    } else {
      this.#subscriptions = reached.subscriptions();
    }
  }

  /** Goes on until all clients have the message (then true) or the slice is over. */
  run(slice: Slice): boolean {
    const { write, hasOlder, settleBefore } = this.#host;
    const { number } = this;
    const hasBefore = hasOlder(number);
    const only = this.#few?.length === 1 ? this.#few[0] : undefined;
    for (;;) {
      if (this.#clients === undefined) {
        const next = this.#subscriptions.next();
        if (next.done === true) return true;
        this.#clients = next.value.clients.values();
        this.#begun += 1;
      }
      for (const client of this.#clients) {
        if (client.lastDelivery >= number || client.replay !== undefined) continue;
        if (hasBefore) settleBefore(client, number);
        client.lastDelivery = number;
        if (only === undefined) {
          this.#writeMatches(client, this.#begun - 1, slice);
        } else {
          // The usual case, and each look at a client costs when there are many.
          slice.spend(1);
          only.last ??= this.#encode(only.subscription, true, slice);
          write(client, only.last);
        }
        if (slice.isOver) return this.#stop();
      }
      this.#clients = undefined;
      // Also where none of the clients is to get it: looking at a subscription takes time.
      slice.spend(1);
      if (slice.isOver) return this.#stop();
    }
  }

  /** Gives a client its share: nothing when the message does not match. */
  deliverTo(client: Client, slice: Slice): void {
    client.lastDelivery = this.number;
    this.#writeMatches(client, 0, slice);
  }

  /** @param from Of few subscriptions, the first that the client may have. */
  #writeMatches(client: Client, from: number, slice: Slice): void {
    const few = this.#few;
    if (few === undefined) {
      const own = this.#audience.of(client);
      for (const [index, subscription] of own.entries()) {
        const target = this.#targetOf(subscription);
        if (!this.#write(client, target, index === own.length - 1, slice)) return;
      }
      return;
    }
    let found: Target<Client> | undefined;
    for (let index = from; index < few.length; index++) {
      const target = few[index] as Target<Client>;
      if (!target.subscription.clients.has(client)) continue;
      // One key may be among them under several topics.
      if (found?.subscription.key === target.subscription.key) continue;
      if (found !== undefined && !this.#write(client, found, false, slice)) return;
      found = target;
    }
    if (found !== undefined) this.#write(client, found, true, slice);
  }

  #write(client: Client, target: Target<Client>, isLast: boolean, slice: Slice): boolean {
    slice.spend(1);
    let frame = isLast ? target.last : target.other;
    if (frame === undefined) {
      frame = this.#encode(target.subscription, isLast, slice);
      if (isLast) target.last = frame;
      else target.other = frame;
    }
    return this.#host.write(client, frame);
  }

  /** Where the frames of a subscription are kept for other clients, if it has others. */
  #targetOf(subscription: Subscription<Client>): Target<Client> {
    if (subscription.clients.size === 1) return newTarget(subscription);
    let target = this.#shared.get(subscription);
    if (target === undefined) {
      if (this.#sharedBytes > MOST_SHARED_BYTES) this.#forgetShared();
      target = newTarget(subscription);
      this.#shared.set(subscription, target);
    }
    return target;
  }

  #encode(subscription: Subscription<Client>, isLast: boolean, slice: Slice): Uint8Array {
    slice.spend(ENCODE_COST);
    const id = isLast ? this.#entry.cursor : `${this.#before}~${subscription.keyHash}`;
    const { data } = this.#entry.message;
    const frame = encoder.encode(formatSSEMessage({ event: subscription.key, data, id }));
    this.#sharedBytes += frame.length;
    return frame;
  }

  /** Others get their turn: what the frames take in memory is free meanwhile. */
  #stop(): false {
    this.#forgetShared();
    const few = this.#few ?? [];
    if (few.length === 1) return false;
    for (const target of few) {
      target.last = undefined;
      target.other = undefined;
    }
    return false;
  }

  #forgetShared(): void {
    this.#sharedBytes = 0;
    if (this.#shared.size > 0) this.#shared = new Map();
  }
}

function newTarget<Client>(subscription: Subscription<Client>): Target<Client> {
  return { subscription, last: undefined, other: undefined };
}
