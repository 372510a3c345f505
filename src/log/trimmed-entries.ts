import type { StoredEntry } from "./stored-entry.ts";
import { isPattern } from "./topic-pattern.ts";

/** Entries without a message are removed when they outnumber the entries with a message by more than this number. */
const MAX_EMPTY = 100;

/**
 * The entries of a memory log beyond its limits, which only topic rules keep. They are in the order of the log. An entry that has
 * lost its message (`StoredEntry.entry`) is removed later, together with others.
 */
export class TrimmedEntries {
  #all: StoredEntry[] = [];
  /** The entries of each topic. */
  #byTopic = new Map<string, StoredEntry[]>();
  /** Number of entries without a message. */
  #empty = 0;

  /** Adds an entry that is newer than all others. */
  add(stored: StoredEntry): void {
    this.#all.push(stored);
    for (const topic of new Set(stored.entry?.message.topics)) {
      const entries = this.#byTopic.get(topic);
      if (entries === undefined) this.#byTopic.set(topic, [stored]);
      else entries.push(stored);
    }
  }

  /** Must be called after an entry has lost its message. */
  onEmptied(): void {
    this.#empty += 1;
    if (2 * this.#empty > this.#all.length + MAX_EMPTY) this.#compact();
  }

  /**
   * Returns entries in the order of the log. Some may have no message.
   *
   * @param topics Entries that match none of these topics and patterns may be left out.
   */
  of(topics: readonly string[] | undefined): readonly StoredEntry[] {
    if (topics === undefined || topics.some(isPattern)) return this.#all;
    const [first = [], ...others] = topics.map((topic) => this.#byTopic.get(topic) ?? []);
    if (others.every(({ length }) => length === 0)) return first;
    return [...new Set([first, ...others].flat())].sort((a, b) => a.sequence - b.sequence);
  }

  #compact(): void {
    const entries = this.#all.filter(({ entry }) => entry !== undefined);
    this.#all = [];
    this.#byTopic = new Map();
    this.#empty = 0;
    for (const stored of entries) this.add(stored);
  }
}
