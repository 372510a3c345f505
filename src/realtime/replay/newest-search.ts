/** The search for the newest messages of one key. */
interface KeySearch {
  /** Sequence of the newest message that counts: the newest message when the key was added. */
  readonly newest: number;
  /** Number of messages that must still be found. */
  missing: number;
  /** Sequence of the oldest message found so far. */
  oldest: number;
  /** Number of messages to the key's topic that the search has examined. */
  examined: number;
}

/** Maximum number of messages to a key's topic that a search examines, because a filter may match none of a long history. */
export const MAX_SEARCHED = 10_000;

/** The result of the search for one key. */
export interface FoundKey {
  readonly key: string;
  /** Sequence of the oldest message found, or of the message after the newest if none was found. */
  readonly oldest: number;
}

/**
 * The search for the newest messages of several keys, backwards through the history. It is not part of a replay's state: a
 * restored replay searches again from the start.
 */
export class NewestSearch {
  /** The sequence before which the search continues: everything from there on has been searched. */
  next = 0;
  readonly #searches = new Map<string, KeySearch>();

  get isActive(): boolean {
    return this.#searches.size > 0;
  }

  /** The keys for which messages are still missing. */
  get keys(): readonly string[] {
    return [...this.#searches.keys()];
  }

  /**
   * Searches for the newest messages of a key. Must be called before the search begins.
   *
   * @param newest Sequence of the newest message that counts: the newest message when the key was added.
   */
  add(key: string, count: number, newest: number): void {
    this.#searches.set(key, { newest, missing: count, oldest: newest + 1, examined: 0 });
    this.next = Math.max(this.next, newest + 1);
  }

  /** The parameter `newest` of `add`. Undefined for a key that is not searched. */
  newestOf(key: string): number | undefined {
    return this.#searches.get(key)?.newest;
  }

  /** Counts a message of a key, if the key is searched. Returns the key when this was its last missing message. */
  count(key: string, sequence: number): FoundKey | undefined {
    const search = this.#searches.get(key);
    if (search === undefined || sequence > search.newest) return undefined;
    search.missing -= 1;
    search.oldest = sequence;
    if (search.missing > 0) return undefined;
    this.#searches.delete(key);
    return { key, oldest: sequence };
  }

  /**
   * Counts a message to the topic of a key, whether the client may receive the message or not. Must be called after `count`.
   * Returns the key when its search has examined `MAX_SEARCHED` messages. The key then starts with the messages found so far.
   */
  examine(key: string, sequence: number): FoundKey | undefined {
    const search = this.#searches.get(key);
    if (search === undefined || sequence > search.newest) return undefined;
    search.examined += 1;
    if (search.examined < MAX_SEARCHED) return undefined;
    this.#searches.delete(key);
    return { key, oldest: search.oldest };
  }

  /** Ends the search, because there are no older messages. Returns the keys for which messages were still missing. */
  end(): readonly FoundKey[] {
    const rest = [...this.#searches].map(([key, { oldest }]) => ({ key, oldest }));
    this.#searches.clear();
    return rest;
  }
}
