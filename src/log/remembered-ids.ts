import { FifoQueue } from "./fifo-queue.ts";
import { publisherOfId, REMEMBERED_IDS } from "./log.ts";

interface Remembered {
  readonly id: string;
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  /** Of the message's content. */
  readonly fingerprint: number;
  readonly publisher: Publisher | undefined;
}

/** One publisher's ids, from the oldest on. */
interface Publisher {
  readonly name: string;
  readonly queue: FifoQueue<Remembered>;
}

/**
 * The ids that a log has taken, for as long and as many as `REMEMBERED_IDS` says. Of a publisher with more than its share its
 * own oldest is forgotten: one that publishes very much must not make the log forget the ids of others.
 */
export class RememberedIds {
  readonly #byId = new Map<string, Remembered>();
  /** From the oldest on. Ids that went because of their publisher's share still stand here: `#isHeld` tells. */
  #queue = new FifoQueue<Remembered>();
  readonly #publishers = new Map<string, Publisher>();
  /** Those with more than their share. */
  readonly #over = new Set<Publisher>();

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** The fingerprint of the message with this id; undefined when the id is not remembered. */
  fingerprintOf(id: string): number | undefined {
    return this.#byId.get(id)?.fingerprint;
  }

  /** @param at Milliseconds of a monotonic clock, as for `trim`. */
  add(id: string, at: number, fingerprint: number): void {
    const publisher = this.#publisherOf(id);
    const remembered: Remembered = { id, at, fingerprint, publisher };
    this.#queue.push(remembered);
    this.#byId.set(id, remembered);
    if (publisher === undefined) return;
    publisher.queue.push(remembered);
    if (publisher.queue.length > REMEMBERED_IDS.perPublisher) this.#over.add(publisher);
  }

  /** Forgets what is too old, and the oldest of too many. */
  trim(now: number): void {
    const { count, maxAge, perPublisher } = REMEMBERED_IDS;
    for (const { queue } of this.#over) {
      while (queue.length > perPublisher) this.#forget(queue.first);
    }
    this.#over.clear();
    for (let oldest = this.#queue.first; oldest !== undefined; oldest = this.#queue.first) {
      const isHeld = this.#isHeld(oldest);
      if (isHeld && this.#byId.size <= count && now - oldest.at < maxAge) break;
      this.#queue.shift();
      if (isHeld) this.#forget(oldest);
    }
    if (this.#queue.length > 2 * this.#byId.size) this.#compact();
  }

  #isHeld(remembered: Remembered): boolean {
    return this.#byId.get(remembered.id) === remembered;
  }

  #publisherOf(id: string): Publisher | undefined {
    const name = publisherOfId(id);
    if (name === undefined) return undefined;
    let publisher = this.#publishers.get(name);
    if (publisher === undefined) {
      publisher = { name, queue: new FifoQueue() };
      this.#publishers.set(name, publisher);
    }
    return publisher;
  }

  /** An id is forgotten only when it is its publisher's oldest: the oldest of all is that of its publisher as well. */
  #forget(remembered: Remembered | undefined): void {
    if (remembered === undefined) return;
    const { id, publisher } = remembered;
    this.#byId.delete(id);
    if (publisher === undefined) return;
    publisher.queue.shift();
    if (publisher.queue.length === 0) this.#publishers.delete(publisher.name);
  }

  /** Ids that are not held any more must not outnumber those that are. */
  #compact(): void {
    const queue = new FifoQueue<Remembered>();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.#isHeld(next)) queue.push(next);
    }
    this.#queue = queue;
  }
}
