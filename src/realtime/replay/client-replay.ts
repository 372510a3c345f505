import { nanoid } from "nanoid";
import { type Cursor, formatCursor, parseCursor, sequenceOf } from "../cursor.ts";
import { formatSSEMessage } from "../sse.ts";
import { type Subscription, SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import type { LogEntry } from "../types.ts";

/** Entries read at a time, and about so many bytes of them; frames written before the client must have taken them. */
export const REPLAY_PAGE: { readonly messages: number; readonly bytes: number } = {
  messages: 1000,
  bytes: 65_536,
};

/** How far a replay has come: plain data, for an owner that may sleep before the client has taken a page. */
export interface ReplayState {
  /** Sequence up to which everything is done with. */
  readonly position: number;
  /** `keyMark` of the key up to which the message behind `at` was delivered as well: only for ids to name. */
  readonly key: string | undefined;
  /**
   * For each key of the client, in their order: the sequence behind which its messages count. `-n` while it is
   * yet to be found where the newest n begin.
   */
  readonly positions: readonly number[];
  /** Sequence up to which the newest are looked for. What comes behind it is wanted in any case. */
  readonly origin: number;
  /**
   * Up to this sequence the client has some of its keys' messages, and is being given those of others: that is no
   * place to come back to, and ids name none.
   */
  readonly unsafeUntil: number;
  /** Messages replayed so far. */
  readonly replayed: number;
  /** How many of the newest a key begins with that does not say, if the history turns out not to have its place. */
  readonly last: number;
  /** Whether the client asked to resume, and so is to be told how that went. */
  readonly isResume: boolean;
  /** It was led anywhere, so that the client may have ids of before, or that name nothing. */
  readonly hasMoved: boolean;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What came of one page. */
export interface ReplayedPage {
  /** Frames, joined: they leave in one write. */
  readonly text: string;
  /** How many. */
  readonly frames: number;
}

/**
 * One client's way from a place in the log to the present, page by page. It reads and writes nothing itself.
 *
 * Each key has a place of its own, because keys may join while others are being replayed.
 */
export class ClientReplay {
  /** The client's, in its order. */
  readonly keys: readonly string[];
  /** Messages that were looked at since the client was waited for, and were nothing for it. */
  idleMessages = 0;
  /** The last event id that was written to the client for this replay. It is not part of the state. */
  lastId: string | undefined;
  /** Made when the first message is looked at: most clients begin with the present, and have none to look at. */
  #madeIndex: SubscriptionIndex<ClientReplay> | undefined;
  #rights: readonly string[];
  readonly #positions: Map<string, number>;
  /**
   * Keys whose newest messages are looked for: how many are missing, and the oldest that was found. Not part of the
   * state: whoever goes on with that looks from the start.
   */
  readonly #sought = new Map<string, { missing: number; oldest: number }>();
  /** While the newest messages are looked for: everything from this sequence on has been looked at. */
  #foundFrom: number;
  readonly #state: Mutable<Omit<ReplayState, "positions">>;

  /** @param rights Patterns of the topics whose private messages the client may have. */
  constructor(
    keys: readonly string[],
    { positions, ...state }: ReplayState,
    rights: readonly string[],
  ) {
    this.keys = keys;
    this.#rights = rights;
    this.#positions = new Map(keys.map((key, index) => [key, positions[index] ?? state.origin]));
    for (const [key, place] of this.#positions) {
      if (place < 0) this.#sought.set(key, { missing: -place, oldest: state.origin + 1 });
    }
    this.#foundFrom = state.origin + 1;
    this.#state = state;
  }

  /** Still looking for where the newest messages of some key begin. */
  get isSearchingBack(): boolean {
    return this.#sought.size > 0;
  }

  /** Whether every key has come to `now`, the sequence of the newest message. */
  hasReached(now: number): boolean {
    return !this.isSearchingBack && this.#state.position >= now;
  }

  /** The sequence up to which the client may have messages, under one key or another. */
  get reached(): number {
    const { position, key, unsafeUntil } = this.#state;
    if (this.isSearchingBack) return unsafeUntil;
    return Math.max(unsafeUntil, key === undefined ? position : position + 1);
  }

  /** The sequence to read on from: behind it, or while finding before it. */
  get next(): number {
    return this.isSearchingBack ? this.#foundFrom : this.#state.position;
  }

  /** The place that an event for this client alone names; undefined when it has none to come back to. */
  get resumePosition(): Pick<Cursor, "sequence" | "keyHash"> | undefined {
    const { position, key: keyHash, unsafeUntil } = this.#state;
    return this.isSearchingBack || position < unsafeUntil
      ? undefined
      : { sequence: position, keyHash };
  }

  /** The sequence behind which a key's messages count; below 0 while that is yet to be found. */
  positionOf(key: string): number {
    const place = this.#positions.get(key) ?? this.#state.position;
    return place < 0 ? place : Math.max(place, this.#state.position);
  }

  changeRights(rights: readonly string[]): void {
    this.#rights = rights;
    this.#madeIndex?.changeRights(this, rights);
  }

  /** Which of the keys a message matches, in the order in which deliveries are made. */
  get #index(): SubscriptionIndex<ClientReplay> {
    if (this.#madeIndex === undefined) {
      this.#madeIndex = new SubscriptionIndex();
      this.#madeIndex.replace(this, this.keys, this.#rights);
    }
    return this.#madeIndex;
  }

  get state(): ReplayState {
    const positions = this.keys.map((key) => this.#positions.get(key) ?? this.#state.position);
    return { ...this.#state, positions };
  }

  /** Looks through a page, newest first, for where the keys' newest messages begin; an empty page is the end. */
  find(page: readonly LogEntry[]): void {
    for (const { cursor, message } of page) {
      const sequence = sequenceOf(cursor);
      this.#foundFrom = sequence;
      if (sequence > this.#state.origin) continue;
      const matched = this.#index.match(message.topics, message.private);
      for (const { key } of matched) this.#count(key, sequence);
      if (!this.isSearchingBack) break;
    }
    // Fewer than were asked for. The key begins with the oldest it has and not where the history begins: that
    // place is about to leave it.
    if (page.length === 0) for (const key of [...this.#sought.keys()]) this.#settle(key);
    if (!this.isSearchingBack) this.#moveTo(Math.min(...this.#positions.values()));
  }

  /**
   * The frames of a page, and on to its end or to where enough has been written.
   *
   * @param until Sequence of the newest message that was delivered to the others: behind it all is live.
   */
  render(page: readonly LogEntry[], until: number): ReplayedPage {
    let text = "";
    let frames = 0;
    for (const entry of page) {
      const sequence = sequenceOf(entry.cursor);
      if (sequence > until) break;
      const keys = this.#keysFor(entry, sequence);
      for (const [index, { key, keyHash }] of keys.entries()) {
        if (text.length >= REPLAY_PAGE.bytes) return { text, frames };
        const isLast = index === keys.length - 1;
        const id = this.#idOf(entry.cursor, sequence, isLast ? undefined : keyHash);
        text += formatSSEMessage({ event: key, data: entry.message.data, id });
        this.lastId = id;
        frames += 1;
        // Keys may come and go before the rest of this message: this one has it.
        this.#positions.set(key, sequence);
        this.#state.key = keyHash;
      }
      this.#moveTo(sequence);
      if (keys.length > 0) this.#state.replayed += 1;
    }
    return { text, frames };
  }

  #moveTo(at: number): void {
    this.#state.position = at;
    this.#state.key = undefined;
    this.#state.hasMoved = true;
  }

  #count(key: string, sequence: number): void {
    const sought = this.#sought.get(key);
    if (sought === undefined) return;
    sought.missing -= 1;
    sought.oldest = sequence;
    if (sought.missing === 0) this.#settle(key);
  }

  #settle(key: string): void {
    const { oldest = this.#state.origin + 1 } = this.#sought.get(key) ?? {};
    this.#positions.set(key, oldest - 1);
    this.#sought.delete(key);
  }

  /** Those of the client's keys that are still to get this message. */
  #keysFor({ message }: LogEntry, sequence: number): readonly Subscription<ClientReplay>[] {
    const matched = this.#index.match(message.topics, message.private);
    return matched.filter(({ key }) => (this.#positions.get(key) ?? 0) < sequence);
  }

  #idOf(cursor: string, sequence: number, keyHash: string | undefined): string {
    const { position, unsafeUntil } = this.#state;
    const log = parseCursor(cursor) as Cursor;
    if (sequence <= unsafeUntil) return nanoid();
    return keyHash === undefined ? cursor : formatCursor({ ...log, sequence: position, keyHash });
  }
}
