import { publisherOf, REMEMBERED_IDS } from "./log.ts";

/** One id, in the list of all and in that of its publisher. */
interface Remembered {
  readonly id: string;
  readonly at: number;
  readonly fingerprint: number;
  readonly publisher: Publisher | undefined;
  before: Remembered | undefined;
  after: Remembered | undefined;
  /** The next one of the same publisher. */
  afterOfPublisher: Remembered | undefined;
}

interface Publisher {
  readonly name: string;
  count: number;
  oldest: Remembered | undefined;
  newest: Remembered | undefined;
}

/**
 * The ids that a log has taken, for as long and as many as `REMEMBERED_IDS` says. Of a publisher with more than its share its
 * own oldest is forgotten: one that publishes very much must not make the log forget the ids of others.
 */
export class RememberedIds {
  readonly #byId = new Map<string, Remembered>();
  readonly #publishers = new Map<string, Publisher>();
  /** Those with more than their share. */
  readonly #over = new Set<Publisher>();
  #oldest: Remembered | undefined;
  #newest: Remembered | undefined;

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** The fingerprint of the message with this id; undefined when the id is not remembered. */
  fingerprintOf(id: string): number | undefined {
    return this.#byId.get(id)?.fingerprint;
  }

  /**
   * @param at Milliseconds of a monotonic clock, as for `trim`.
   * @param fingerprint Of the message's content.
   */
  add(id: string, at: number, fingerprint: number): void {
    const publisher = this.#publisherOf(id);
    const remembered: Remembered = {
      ...{ id, at, fingerprint, publisher },
      ...{ before: this.#newest, after: undefined, afterOfPublisher: undefined },
    };
    if (this.#newest === undefined) this.#oldest = remembered;
    else this.#newest.after = remembered;
    this.#newest = remembered;
    this.#byId.set(id, remembered);
    if (publisher === undefined) return;
    if (publisher.newest === undefined) publisher.oldest = remembered;
    else publisher.newest.afterOfPublisher = remembered;
    publisher.newest = remembered;
    publisher.count += 1;
    if (publisher.count > REMEMBERED_IDS.ofPublisher) this.#over.add(publisher);
  }

  /** Forgets what is too old, and the oldest of too many. */
  trim(now: number): void {
    const { count, maxAge, ofPublisher } = REMEMBERED_IDS;
    for (const publisher of this.#over) {
      while (publisher.count > ofPublisher) this.#forget(publisher.oldest);
    }
    this.#over.clear();
    for (let oldest = this.#oldest; oldest !== undefined; oldest = this.#oldest) {
      if (this.#byId.size <= count && now - oldest.at < maxAge) return;
      this.#forget(oldest);
    }
  }

  #publisherOf(id: string): Publisher | undefined {
    const name = publisherOf(id);
    if (name === undefined) return undefined;
    let publisher = this.#publishers.get(name);
    if (publisher === undefined) {
      publisher = { name, count: 0, oldest: undefined, newest: undefined };
      this.#publishers.set(name, publisher);
    }
    return publisher;
  }

  /** An id is forgotten only when it is its publisher's oldest: the oldest of all is that of its publisher as well. */
  #forget(remembered: Remembered | undefined): void {
    if (remembered === undefined) return;
    const { id, before, after, publisher, afterOfPublisher } = remembered;
    this.#byId.delete(id);
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    if (publisher === undefined) return;
    publisher.oldest = afterOfPublisher;
    publisher.count -= 1;
    if (publisher.count === 0) this.#publishers.delete(publisher.name);
  }
}
