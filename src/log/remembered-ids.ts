import type { Milliseconds } from "../realtime/units.ts";
import { FifoQueue } from "./fifo-queue.ts";
import { publisherOfId, type RememberedIdLimits } from "./log.ts";

interface RememberedId {
  readonly id: string;
  /** When the id was added, by the monotonic clock. */
  readonly at: Milliseconds;
  /** The `fingerprint` of the message. */
  readonly fingerprint: number;
  readonly publisher: Publisher | undefined;
}

/** The ids of one publisher, oldest first. */
interface Publisher {
  readonly name: string;
  readonly queue: FifoQueue<RememberedId>;
}

/**
 * The message ids that a memory log remembers, within `RememberedIdLimits`. If a user exceeds the quota, the user's
 * own oldest ids are removed first, so one user takes at most half of the ids. The embedding app and the holders of the admin
 * key have no quota.
 */
export class RememberedIds {
  readonly #limits: RememberedIdLimits;
  readonly #byId = new Map<string, RememberedId>();
  /** Oldest first. Also contains ids that were removed because of a quota: check `#isRemembered`. */
  #queue = new FifoQueue<RememberedId>();
  readonly #publishers = new Map<string, Publisher>();
  readonly #overQuota = new Set<Publisher>();

  constructor(limits: RememberedIdLimits) {
    this.#limits = limits;
  }

  /** Returns the fingerprint of the message with this id. Undefined when the id is not remembered. */
  fingerprintOf(id: string): number | undefined {
    return this.#byId.get(id)?.fingerprint;
  }

  /** @param at The time by the monotonic clock that `trim` also uses. */
  add(id: string, at: Milliseconds, fingerprint: number): void {
    const publisher = this.#publisherOf(id);
    const remembered: RememberedId = { id, at, fingerprint, publisher };
    this.#queue.push(remembered);
    this.#byId.set(id, remembered);
    if (publisher === undefined) return;
    publisher.queue.push(remembered);
    if (publisher.queue.length > this.#perPublisher) this.#overQuota.add(publisher);
  }

  /** Removes the ids that exceed one of the bounds. */
  trim(now: Milliseconds): void {
    const { count, maxAge } = this.#limits;
    for (const { queue } of this.#overQuota) {
      while (queue.length > this.#perPublisher) this.#remove(queue.first);
    }
    this.#overQuota.clear();
    for (let oldest = this.#queue.first; oldest !== undefined; oldest = this.#queue.first) {
      const isRemembered = this.#isRemembered(oldest);
      if (isRemembered && this.#byId.size <= count && now - oldest.at < maxAge) break;
      this.#queue.shift();
      if (isRemembered) this.#remove(oldest);
    }
    if (this.#queue.length > 2 * this.#byId.size) this.#compact();
  }

  get #perPublisher(): number {
    return this.#limits.count / 2;
  }

  #isRemembered(remembered: RememberedId): boolean {
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

  /**
   * Removes an id, which must be the oldest id of its publisher. The oldest entry of `#queue` that is still remembered is
   * always the oldest id of its publisher.
   */
  #remove(remembered: RememberedId | undefined): void {
    if (remembered === undefined) return;
    const { id, publisher } = remembered;
    this.#byId.delete(id);
    if (publisher === undefined) return;
    publisher.queue.shift();
    if (publisher.queue.length === 0) this.#publishers.delete(publisher.name);
  }

  /** Rebuilds the queue without removed ids. Otherwise the number of removed ids in the queue would have no limit. */
  #compact(): void {
    const queue = new FifoQueue<RememberedId>();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.#isRemembered(next)) queue.push(next);
    }
    this.#queue = queue;
  }
}
