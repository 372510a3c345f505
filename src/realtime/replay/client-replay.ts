import { nanoid } from "nanoid";
import { type Cursor, formatCursor, parseCursor, sequenceOf } from "../cursor.ts";
import { formatSSEMessage } from "../sse.ts";
import { type Subscription, SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import type { LogEntry } from "../types.ts";
import type { Bytes } from "../units.ts";

/** The size of a replay's page: what is read from the log and written to the client at a time. */
export const REPLAY_PAGE: { readonly messages: number; readonly bytes: Bytes } = {
  messages: 1000,
  bytes: 65_536,
};

/** The progress of a replay, as plain data. It can be stored while the client takes a page. */
export interface ReplayState {
  /** The sequence up to which every key has been replayed. */
  readonly position: number;
  /**
   * `hashKey` of a key: of the message after `position`, the deliveries up to this key's have been made. The ids of events name
   * it, so that a client can resume within a message.
   */
  readonly keyHash: string | undefined;
  /**
   * For each key of the client, in the client's order: the sequence after which the key's messages are still to be sent. `-n`
   * while the replay searches for the key's newest n messages.
   */
  readonly positions: readonly number[];
  /** Sequence of the newest message when the replay started: the search for the newest messages begins there. */
  readonly newestAtStart: number;
  /**
   * Up to this sequence the client has the messages of some keys and not those of others. A client can't resume from there, so
   * the ids of events up to here name no position.
   */
  readonly unsafeUntil: number;
  /** The number of messages replayed so far. */
  readonly replayed: number;
  /** How many newest messages a key without a `last` option starts with, when the history has lost its position. */
  readonly last: number;
  /** Whether the client asked to resume, and gets PB_RESUME at the end. */
  readonly isResume: boolean;
  /** Whether the position has ever changed. If so, the last ids of the client may name no position to resume from. */
  readonly hasMoved: boolean;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** One page of a replay, ready to be written. */
export interface RenderedPage {
  /** The frames, joined for one write. */
  readonly text: string;
  /** The number of frames. */
  readonly frames: number;
}

/** The search for the newest messages of one key. */
interface Search {
  /** How many messages are still to be found. */
  missing: number;
  /** Sequence of the oldest message found so far. */
  oldest: number;
}

/**
 * The replay of one client: takes pages of the log and renders what the client gets of them. It neither reads the log nor writes
 * to the client (`ReplayCoordinator` does).
 *
 * Each key has a position of its own, because keys can be added while others are being replayed. While a key starts with its
 * newest messages, the replay first searches the log backwards for the oldest of them.
 */
export class ClientReplay {
  /** The client's subscription keys. */
  readonly keys: readonly string[];
  /** Messages without a match that were looked at since the replay last waited. */
  unmatchedMessages = 0;
  /** The last event id that this replay has sent. Not part of the state. */
  lastId: string | undefined;
  /** Built for the first message, because most clients start live and have nothing to replay. */
  #lazyIndex: SubscriptionIndex<ClientReplay> | undefined;
  #rights: readonly string[];
  readonly #positions: Map<string, number>;
  /** Not part of the state: a restored replay searches again from the start. */
  readonly #searches = new Map<string, Search>();
  /** The search has looked at everything from this sequence on. */
  #searchedFrom: number;
  readonly #state: Mutable<Omit<ReplayState, "positions">>;

  /** @param rights Patterns of the topics of which the client receives private messages. */
  constructor(
    keys: readonly string[],
    { positions, ...state }: ReplayState,
    rights: readonly string[],
  ) {
    const { newestAtStart } = state;
    this.keys = keys;
    this.#rights = rights;
    this.#positions = new Map(keys.map((key, index) => [key, positions[index] ?? newestAtStart]));
    for (const [key, position] of this.#positions) {
      if (position < 0) this.#searches.set(key, { missing: -position, oldest: newestAtStart + 1 });
    }
    this.#searchedFrom = newestAtStart + 1;
    this.#state = state;
  }

  /** Whether the replay still searches for the newest messages of a key. */
  get isSearchingBack(): boolean {
    return this.#searches.size > 0;
  }

  /** Whether every key has been replayed up to this sequence. */
  hasReached(sequence: number): boolean {
    return !this.isSearchingBack && this.#state.position >= sequence;
  }

  /** The sequence of the newest message that the client may have, under any key. */
  get reached(): number {
    const { position, keyHash, unsafeUntil } = this.#state;
    if (this.isSearchingBack) return unsafeUntil;
    return Math.max(unsafeUntil, keyHash === undefined ? position : position + 1);
  }

  /** The sequence at which to read the next page: before it while `isSearchingBack`, otherwise after it. */
  get next(): number {
    return this.isSearchingBack ? this.#searchedFrom : this.#state.position;
  }

  /** The position from which the client can resume; undefined while there is none. */
  get resumePosition(): Pick<Cursor, "sequence" | "keyHash"> | undefined {
    const { position, keyHash, unsafeUntil } = this.#state;
    return this.isSearchingBack || position < unsafeUntil
      ? undefined
      : { sequence: position, keyHash };
  }

  /** The position of one key, as in `ReplayState.positions`. */
  positionOf(key: string): number {
    const position = this.#positions.get(key) ?? this.#state.position;
    return position < 0 ? position : Math.max(position, this.#state.position);
  }

  /** Replaces the client's rights, which decide on private messages. */
  changeRights(rights: readonly string[]): void {
    this.#rights = rights;
    this.#lazyIndex?.changeRights(this, rights);
  }

  /** Whether the client asked to resume. */
  get isResume(): boolean {
    return this.#state.isResume;
  }

  /** A copy of the state, from which a new `ClientReplay` can continue. */
  get state(): ReplayState {
    const positions = this.keys.map((key) => this.#positions.get(key) ?? this.#state.position);
    return { ...this.#state, positions };
  }

  /** Continues the search for the newest messages. @param page Newest first; empty where the history begins. */
  searchBack(page: readonly LogEntry[]): void {
    for (const { cursor, message } of page) {
      const sequence = sequenceOf(cursor);
      this.#searchedFrom = sequence;
      if (sequence > this.#state.newestAtStart) continue;
      const matched = this.#index.match(message.topics, message.private);
      for (const { key } of matched) this.#countMatch(key, sequence);
      if (!this.isSearchingBack) break;
    }
    // At the beginning of the history, keys with fewer messages than asked for start with their oldest message. They must not
    // start at the beginning of the history, because that position is the next to be trimmed.
    if (page.length === 0) for (const key of [...this.#searches.keys()]) this.#endSearch(key);
    if (!this.isSearchingBack) this.#moveTo(Math.min(...this.#positions.values()));
  }

  /**
   * Renders the messages of a page for this client, and moves the position on. Stops after about `REPLAY_PAGE.bytes`.
   *
   * @param page Oldest first, starting after `next`.
   * @param until Sequence of the newest message that the live clients have been given. Later messages will be delivered live.
   */
  render(page: readonly LogEntry[], until: number): RenderedPage {
    let text = "";
    let frames = 0;
    for (const entry of page) {
      const cursor = parseCursor(entry.cursor);
      const sequence = cursor?.sequence ?? 0;
      if (sequence > until) break;
      const matches = this.#matchesOf(entry, sequence);
      for (const [index, { key, keyHash }] of matches.entries()) {
        if (text.length >= REPLAY_PAGE.bytes) return { text, frames };
        const isLast = index === matches.length - 1;
        const id = this.#createId(entry.cursor, cursor, isLast ? undefined : keyHash);
        text += formatSSEMessage({ event: key, data: entry.message.data, id });
        this.lastId = id;
        frames += 1;
        // Noted for each key: the client's keys may change before the rest of this message is rendered.
        this.#positions.set(key, sequence);
        this.#state.keyHash = keyHash;
      }
      this.#moveTo(sequence);
      if (matches.length > 0) this.#state.replayed += 1;
    }
    return { text, frames };
  }

  /** Finds the keys that a message matches, in the order of deliveries. */
  get #index(): SubscriptionIndex<ClientReplay> {
    if (this.#lazyIndex === undefined) {
      this.#lazyIndex = new SubscriptionIndex();
      this.#lazyIndex.replace(this, this.keys, this.#rights);
    }
    return this.#lazyIndex;
  }

  #moveTo(sequence: number): void {
    this.#state.position = sequence;
    this.#state.keyHash = undefined;
    this.#state.hasMoved = true;
  }

  #countMatch(key: string, sequence: number): void {
    const search = this.#searches.get(key);
    if (search === undefined) return;
    search.missing -= 1;
    search.oldest = sequence;
    if (search.missing === 0) this.#endSearch(key);
  }

  #endSearch(key: string): void {
    const { oldest = this.#state.newestAtStart + 1 } = this.#searches.get(key) ?? {};
    this.#positions.set(key, oldest - 1);
    this.#searches.delete(key);
  }

  /** The subscriptions under which the client is still to get this message. */
  #matchesOf({ message }: LogEntry, sequence: number): readonly Subscription<ClientReplay>[] {
    const matched = this.#index.match(message.topics, message.private);
    return matched.filter(({ key }) => (this.#positions.get(key) ?? 0) < sequence);
  }

  /**
   * The id of an event. @param keyHash Of the event's key, when the client gets the same message under another key after it:
   * the id then names the position within the message.
   */
  #createId(text: string, cursor: Cursor | undefined, keyHash: string | undefined): string {
    const { position, unsafeUntil } = this.#state;
    if (cursor === undefined || cursor.sequence <= unsafeUntil) return nanoid();
    return keyHash === undefined ? text : formatCursor({ ...cursor, sequence: position, keyHash });
  }
}
