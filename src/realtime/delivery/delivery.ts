import type { MessageContent } from "../records/message-content.ts";
import type { Viewer } from "../records/viewer.ts";
import type { Audience } from "../subscriptions/subscription-index.ts";
import { byKeyHash, type Subscription } from "../subscriptions/subscription-table.ts";
import type { LogEntry } from "../types.ts";
import { type Frames, isReceived, type Target, Targets } from "./targets.ts";
import { type Slice, UNLIMITED } from "./work-slice.ts";

/** The properties of a client that deliveries use. */
export interface Recipient {
  /** The client's replay. Deliveries skip a client with a replay, because the replay sends it the same messages. */
  readonly replay: unknown;
  /** What rules and hidden fields depend on. */
  readonly viewer: Viewer;
  /** Whether the client has exactly one subscription key. A message then reaches the client as at most one event. */
  readonly hasOneKey: boolean;
  /** Number of the newest delivery that is done for this client, or that started before the client became live. */
  lastDelivery: number;
}

/**
 * With up to this many matching subscriptions, a delivery checks all of them for each client. With more, the delivery looks up
 * the client's own subscriptions.
 */
const FEW_SUBSCRIPTIONS = 16;

/** No clients, as the iterator of a Set: V8 takes longer for a loop over iterators of several kinds. */
const NO_CLIENTS = new Set<never>().values();

/** What a delivery needs from its scheduler. */
export interface DeliveryHost<Client> {
  /** Writes a frame. Returns false when the client was too slow and has been removed. */
  readonly write: (client: Client, frame: Uint8Array) => boolean;
  /** Whether a delivery with a smaller number is unfinished. */
  readonly hasOlder: (number: number) => boolean;
  /** Writes to a client the frames that unfinished deliveries with smaller numbers have for this client. */
  readonly settleBefore: (client: Client, number: number) => void;
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
  /** Size of the message's data and change, in UTF-16 code units. */
  readonly size: number;
  readonly #targets: Targets<Client>;
  readonly #audience: Audience<Client>;
  readonly #host: DeliveryHost<Client>;
  #subscriptions: Iterator<Subscription<Client>> | undefined;
  /** All matching subscriptions that receive the message, sorted by `byKeyHash`, if at most `FEW_SUBSCRIPTIONS` match. */
  readonly #few: Target<Client>[] | undefined;
  /** The subscriptions for `#few` about which nothing has been decided yet. A delivery decides when it runs. */
  readonly #undecided: Subscription<Client>[] = [];
  /** Number of subscriptions that were taken from `#subscriptions`. */
  #started = 0;
  /**
   * The remaining clients of the current subscription: the iterator of a Set. It can be continued after a loop was left early,
   * and a generator can't.
   */
  #clients: Iterable<Client> | undefined;
  /** The frames of the current subscription. Undefined if its clients may receive different data. */
  #currentFrames: Frames<Client> | undefined;

  /** @param previousCursor Cursor of the message before this one. */
  constructor(
    number: number,
    entry: LogEntry,
    content: MessageContent,
    previousCursor: string,
    audience: Audience<Client>,
    host: DeliveryHost<Client>,
  ) {
    this.number = number;
    this.size = entry.message.data.length + (entry.message.change?.length ?? 0);
    this.#targets = new Targets(entry, content, previousCursor);
    this.#audience = audience;
    this.#host = host;
    if (audience.count <= FEW_SUBSCRIPTIONS) {
      this.#undecided = [...audience.subscriptions()];
      if (this.#undecided.length > 1) this.#undecided.sort(byKeyHash);
      this.#few = [];
    }
  }

  /** Delivers to the next clients. Returns true when all clients have received the message, false when the slice is over. */
  run(slice: Slice): boolean {
    if (!this.#decide(slice)) return this.#interrupt();
    this.#subscriptions ??=
      this.#few?.map(({ subscription }) => subscription).values() ?? this.#audience.subscriptions();
    const { write, hasOlder, settleBefore } = this.#host;
    const { number } = this;
    const hasEarlier = hasOlder(number);
    const isOnlyKey = this.#few?.length === 1;
    for (;;) {
      if (this.#clients === undefined) {
        const next = this.#subscriptions.next();
        if (next.done === true) return true;
        this.#clients = this.#startClients(next.value, slice);
      }
      const frames = this.#currentFrames;
      for (const client of this.#clients) {
        if (client.lastDelivery >= number || client.replay !== undefined) continue;
        if (hasEarlier) settleBefore(client, number);
        client.lastDelivery = number;
        if (frames !== undefined && (isOnlyKey || client.hasOneKey)) {
          // The usual case has a short path: with thousands of clients, each further step is measurable.
          slice.spend(1);
          write(client, frames.last ?? this.#targets.encode(frames, true, slice));
        } else {
          this.#writeMatches(client, this.#started - 1, slice);
        }
        if (slice.isOver) return this.#interrupt();
      }
      this.#clients = undefined;
      // A subscription costs time even if none of its clients gets a frame.
      slice.spend(1);
      if (slice.isOver) return this.#interrupt();
    }
  }

  /** Returns the clients of the next subscription, or none if the subscription does not receive the message. */
  #startClients(subscription: Subscription<Client>, slice: Slice): Iterable<Client> {
    const known = this.#few?.[this.#started];
    this.#started += 1;
    this.#currentFrames = undefined;
    if (known === undefined && !this.#targets.isReceived(subscription, slice)) return NO_CLIENTS;
    this.#currentFrames = (known ?? this.#targets.of(subscription, slice)).frames;
    return subscription.clients.values();
  }

  /** Delivers to one client before the others. Writes nothing if the client has no matching subscription. */
  deliverTo(client: Client, slice: Slice): void {
    client.lastDelivery = this.number;
    this.#decide(UNLIMITED);
    this.#writeMatches(client, 0, slice);
  }

  /** Decides which of the `#undecided` receive the message. Returns false if the slice is over before all are decided. */
  #decide(slice: Slice): boolean {
    for (let next = this.#undecided.shift(); next !== undefined; next = this.#undecided.shift()) {
      const target = this.#targets.create(next, slice);
      if (isReceived(target)) this.#few?.push(target);
      if (slice.isOver && this.#undecided.length > 0) return false;
    }
    return true;
  }

  /**
   * Writes the message for each matching subscription of the client, in their order.
   *
   * @param first Index in `#few` of the first subscription that the client may have.
   */
  #writeMatches(client: Client, first: number, slice: Slice): void {
    const few = this.#few;
    const matches = few === undefined ? this.#audience.of(client) : undefined;
    const count = few?.length ?? matches?.length ?? 0;
    let previous: Frames<Client> | undefined;
    for (let index = matches === undefined ? first : 0; index < count; index++) {
      const match = matches?.[index];
      const target = match === undefined ? few?.[index] : this.#targets.of(match, slice);
      if (target === undefined) continue;
      if (match === undefined && !target.subscription.clients.has(client)) continue;
      // A key that matches under several topics is written once.
      if (previous?.subscription.key === target.subscription.key) continue;
      const frames = target.frames ?? this.#targets.framesFor(target, client, slice);
      if (frames === undefined) continue;
      if (previous !== undefined && !this.#write(client, previous, false, slice)) return;
      previous = frames;
    }
    if (previous !== undefined) this.#write(client, previous, true, slice);
  }

  #write(client: Client, frames: Frames<Client>, isLast: boolean, slice: Slice): boolean {
    slice.spend(1);
    const encoded = isLast ? frames.last : frames.earlier;
    return this.#host.write(client, encoded ?? this.#targets.encode(frames, isLast, slice));
  }

  /** Interrupts the delivery, and releases the memory of its frames until it continues. */
  #interrupt(): false {
    this.#targets.release();
    const few = this.#few ?? [];
    // The frames of a single subscription are kept: encoding them in every slice would cost more than their memory is worth.
    if (few.length === 1) return false;
    if (this.#currentFrames !== undefined) forget(this.#currentFrames);
    for (const target of few) {
      target.byData = undefined;
      if (target.frames !== undefined) forget(target.frames);
    }
    return false;
  }
}

/** Releases the encoded frames. They are encoded again when they are needed. */
function forget(frames: Frames<unknown>): void {
  frames.last = undefined;
  frames.earlier = undefined;
}
