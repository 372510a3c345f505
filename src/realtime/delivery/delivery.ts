import { formatSSEMessage } from "../sse.ts";
import type { Audience } from "../subscriptions/subscription-index.ts";
import { byKeyHash, type Subscription } from "../subscriptions/subscription-table.ts";
import type { LogEntry } from "../types.ts";
import type { Bytes } from "../units.ts";

/** The properties of a client that deliveries use. */
export interface Recipient {
  /** The client's replay. Deliveries skip a client with a replay, because the replay sends it the same messages. */
  readonly replay: unknown;
  /** Number of the newest delivery that was written to the client, or that started before the client became live. */
  lastDelivery: number;
}

/**
 * With up to this many matching subscriptions, a delivery checks all of them for each client. With more, the delivery looks up
 * the client's own subscriptions.
 */
const FEW_SUBSCRIPTIONS = 16;

/** Size of the encoded frames that a delivery keeps for other clients with the same keys. */
const MAX_SHARED_BYTES: Bytes = 4 * 1024 * 1024;

/** The cost of encoding a frame, where writing a frame costs 1. */
const ENCODE_COST = 4;

const encoder = new TextEncoder();

/** Limits how much work is done before other work runs. */
export interface Slice {
  /** Adds the cost of work that was done. */
  spend(cost: number): void;
  /** Whether the limit is reached, so that the work must be interrupted. */
  readonly isOver: boolean;
}

/** What a delivery needs from its scheduler. */
export interface DeliveryHost<Client> {
  /** Writes a frame. Returns false when the client was too slow and has been removed. */
  readonly write: (client: Client, frame: Uint8Array) => boolean;
  /** Whether a delivery with a smaller number is unfinished. */
  readonly hasOlder: (number: number) => boolean;
  /** Writes to a client the frames that unfinished deliveries with smaller numbers have for this client. */
  readonly settleBefore: (client: Client, number: number) => void;
}

/** A subscription and the encoded frames of the message for it. */
interface Target<Client> {
  readonly subscription: Subscription<Client>;
  /** The frame for a client that receives the message under no further key. */
  lastFrame: Uint8Array | undefined;
  /** The frame for a client that receives the message under another key after this one. */
  earlierFrame: Uint8Array | undefined;
}

/**
 * The delivery of one message to all clients with a matching subscription. A delivery can be interrupted after any client and
 * continued later, because each client has the number of its newest delivery.
 *
 * A client receives the message as one event for each of its matching keys. The events are sorted by `byKeyHash`. The client
 * must be able to resume between two of these events. The id of the last event is therefore the cursor of the message. The
 * id of each earlier event is the cursor of the previous message, followed by the hash of the event's key.
 */
export class Delivery<Client extends Recipient> {
  /** Deliveries are numbered in the order of the log. */
  readonly number: number;
  /** UTF-16 code units of the message's data. */
  readonly size: number;
  readonly #entry: LogEntry;
  readonly #previousCursor: string;
  readonly #audience: Audience<Client>;
  readonly #host: DeliveryHost<Client>;
  readonly #subscriptions: Iterator<Subscription<Client>>;
  /** All matching subscriptions, sorted by `byKeyHash`, if they are at most `FEW_SUBSCRIPTIONS`. */
  readonly #few: readonly Target<Client>[] | undefined;
  /** Number of subscriptions that were taken from `#subscriptions`. */
  #started = 0;
  /** The remaining clients of the current subscription. A loop that breaks ends a generator, but not the iterator of a Set. */
  #clients: Iterable<Client> | undefined;
  /** The targets of subscriptions with several clients. Empty if `#few` is set. */
  #shared = new Map<Subscription<Client>, Target<Client>>();
  #sharedBytes = 0;

  /** @param previousCursor Cursor of the message before this one. */
  constructor(
    number: number,
    entry: LogEntry,
    previousCursor: string,
    audience: Audience<Client>,
    host: DeliveryHost<Client>,
  ) {
    this.number = number;
    this.size = entry.message.data.length;
    this.#entry = entry;
    this.#previousCursor = previousCursor;
    this.#audience = audience;
    this.#host = host;
    if (audience.count <= FEW_SUBSCRIPTIONS) {
      const few = [...audience.subscriptions()];
      if (few.length > 1) few.sort(byKeyHash);
      this.#few = few.map(createTarget);
      this.#subscriptions = few.values();
    } else {
      this.#subscriptions = audience.subscriptions();
    }
  }

  /** Delivers to the next clients. Returns true when all clients have received the message, and false when the slice is over. */
  run(slice: Slice): boolean {
    const { write, hasOlder, settleBefore } = this.#host;
    const { number } = this;
    const hasEarlier = hasOlder(number);
    const only = this.#few?.length === 1 ? this.#few[0] : undefined;
    for (;;) {
      if (this.#clients === undefined) {
        const next = this.#subscriptions.next();
        if (next.done === true) return true;
        this.#clients = next.value.clients.values();
        this.#started += 1;
      }
      for (const client of this.#clients) {
        if (client.lastDelivery >= number || client.replay !== undefined) continue;
        if (hasEarlier) settleBefore(client, number);
        client.lastDelivery = number;
        if (only === undefined) {
          this.#writeMatches(client, this.#started - 1, slice);
        } else {
          // The usual case has a short path: with thousands of clients, each further step is measurable.
          slice.spend(1);
          only.lastFrame ??= this.#encode(only.subscription, true, slice);
          write(client, only.lastFrame);
        }
        if (slice.isOver) return this.#interrupt();
      }
      this.#clients = undefined;
      // A subscription costs time even if none of its clients gets a frame.
      slice.spend(1);
      if (slice.isOver) return this.#interrupt();
    }
  }

  /** Delivers to one client before the others. Writes nothing if the client has no matching subscription. */
  deliverTo(client: Client, slice: Slice): void {
    client.lastDelivery = this.number;
    this.#writeMatches(client, 0, slice);
  }

  /** @param first Index in `#few` of the first subscription that the client may have. */
  #writeMatches(client: Client, first: number, slice: Slice): void {
    const few = this.#few;
    if (few === undefined) {
      const matches = this.#audience.of(client);
      for (const [index, subscription] of matches.entries()) {
        const target = this.#targetOf(subscription);
        if (!this.#write(client, target, index === matches.length - 1, slice)) return;
      }
      return;
    }
    let previous: Target<Client> | undefined;
    for (let index = first; index < few.length; index++) {
      const target = few[index];
      if (target === undefined || !target.subscription.clients.has(client)) continue;
      // A key that matches under several topics is written once.
      if (previous?.subscription.key === target.subscription.key) continue;
      if (previous !== undefined && !this.#write(client, previous, false, slice)) return;
      previous = target;
    }
    if (previous !== undefined) this.#write(client, previous, true, slice);
  }

  #write(client: Client, target: Target<Client>, isLast: boolean, slice: Slice): boolean {
    slice.spend(1);
    let frame = isLast ? target.lastFrame : target.earlierFrame;
    if (frame === undefined) {
      frame = this.#encode(target.subscription, isLast, slice);
      if (isLast) target.lastFrame = frame;
      else target.earlierFrame = frame;
    }
    return this.#host.write(client, frame);
  }

  /** Returns the target of a subscription. The target is stored only if the subscription has several clients. */
  #targetOf(subscription: Subscription<Client>): Target<Client> {
    if (subscription.clients.size === 1) return createTarget(subscription);
    let target = this.#shared.get(subscription);
    if (target === undefined) {
      if (this.#sharedBytes > MAX_SHARED_BYTES) this.#releaseShared();
      target = createTarget(subscription);
      this.#shared.set(subscription, target);
    }
    return target;
  }

  #encode(subscription: Subscription<Client>, isLast: boolean, slice: Slice): Uint8Array {
    slice.spend(ENCODE_COST);
    const id = isLast ? this.#entry.cursor : `${this.#previousCursor}~${subscription.keyHash}`;
    const { data } = this.#entry.message;
    const frame = encoder.encode(formatSSEMessage({ event: subscription.key, data, id }));
    this.#sharedBytes += frame.length;
    return frame;
  }

  /** Interrupts the delivery, and releases the memory of its frames until it continues. */
  #interrupt(): false {
    this.#releaseShared();
    const few = this.#few ?? [];
    // A single frame is kept: encoding it again in every slice would cost more than its memory is worth.
    if (few.length === 1) return false;
    for (const target of few) {
      target.lastFrame = undefined;
      target.earlierFrame = undefined;
    }
    return false;
  }

  #releaseShared(): void {
    this.#sharedBytes = 0;
    if (this.#shared.size > 0) this.#shared = new Map();
  }
}

function createTarget<Client>(subscription: Subscription<Client>): Target<Client> {
  return { subscription, lastFrame: undefined, earlierFrame: undefined };
}
