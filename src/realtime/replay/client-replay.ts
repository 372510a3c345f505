import { nanoid } from "nanoid";
import { type Cursor, formatCursor, parseCursor, sequenceOf } from "../cursor.ts";
import type { MessageContents } from "../records/message-contents.ts";
import { formatSSEMessage } from "../sse.ts";
import { eventNameOf, topicOf } from "../subscriptions/subscription-key.ts";
import type { LogEntry, LogPage } from "../types.ts";
import type { Bytes } from "../units.ts";
import { type FoundKey, NewestSearch } from "./newest-search.ts";
import { ReplayMatcher } from "./replay-matcher.ts";
import type { Match, ReplayReader } from "./replay-reader.ts";
import type { ReplayState } from "./replay-state.ts";

/** Maximum size of one page: of the messages that a replay reads from the log, and of the frames that it then writes. */
export const REPLAY_PAGE: { readonly messages: number; readonly bytes: Bytes } = {
  messages: 1000,
  bytes: 65_536,
};

/** Cost of the decisions after which a page ends early (`MessageContent.takeCost`), so that other work can run. */
const MAX_PAGE_COST = 20_000;

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The frames of one page for one client, ready to be written. */
export interface RenderedPage {
  /** The frames, joined for one write. */
  readonly text: string;
  /** The number of frames. */
  readonly frames: number;
}

/**
 * The replay of one client. It receives pages of the log and renders the frames for the client. `ReplayCoordinator` reads
 * the log and writes to the client.
 *
 * Each key has its own position, because a client can add keys while earlier keys are being replayed. If a key starts with its
 * newest n messages, the replay first searches the log backwards for the oldest of these n messages.
 */
export class ClientReplay {
  /** The client's subscription keys. */
  readonly keys: readonly string[];
  /** Messages in pages without a frame since the last pause, at least 50 a page. `ReplayCoordinator` counts and resets them. */
  unmatchedMessages = 0;
  /** The last event id that this replay has sent. Not part of the state. */
  lastId: string | undefined;
  readonly #matcher: ReplayMatcher;
  readonly #positions: Map<string, number>;
  readonly #search = new NewestSearch();
  readonly #state: Mutable<Omit<ReplayState, "positions" | "searchedFrom">>;

  constructor(
    keys: readonly string[],
    { positions, searchedFrom, ...state }: ReplayState,
    reader: ReplayReader,
    contents: MessageContents,
  ) {
    const { newestAtStart } = state;
    this.keys = keys;
    this.#matcher = new ReplayMatcher(keys, reader, contents);
    this.#positions = new Map(keys.map((key, index) => [key, positions[index] ?? newestAtStart]));
    for (const [index, key] of keys.entries()) {
      const position = positions[index] ?? newestAtStart;
      if (position < 0) this.#search.add(key, -position, searchedFrom?.[index] ?? newestAtStart);
    }
    this.#state = state;
  }

  /** Whether the replay still searches for the newest messages of a key. */
  get isSearchingBack(): boolean {
    return this.#search.isActive;
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

  /** The sequence for the next read: the page ends before it while `isSearchingBack`, and otherwise begins after it. */
  get next(): number {
    return this.isSearchingBack ? this.#search.next : this.#state.position;
  }

  /** The position from which the client can resume. Undefined while no cursor can name the client's position. */
  get resumePosition(): Pick<Cursor, "sequence" | "keyHash"> | undefined {
    const { position, keyHash, unsafeUntil } = this.#state;
    return this.isSearchingBack || position < unsafeUntil
      ? undefined
      : { sequence: position, keyHash };
  }

  /** The position of one key, as in `ReplayState.positions`. */
  positionOf(key: string): number {
    const position = this.#positions.get(key) ?? this.#state.position;
    // A search may have found messages before the common position, which stays the same until the search ends.
    return position < 0 || this.isSearchingBack
      ? position
      : Math.max(position, this.#state.position);
  }

  /** Sequence of the newest message that counts in the search for a key. Undefined if the replay does not search for the key. */
  searchedFrom(key: string): number | undefined {
    return this.#search.newestOf(key);
  }

  /** Must be called after the rights or the viewer of the client have changed. */
  changeReader(reader: ReplayReader): void {
    this.#matcher.changeReader(reader);
  }

  /** Whether the client asked to resume. */
  get isResume(): boolean {
    return this.#state.isResume;
  }

  /** A copy of the state, from which a new `ClientReplay` can continue. */
  get state(): ReplayState {
    const positions = this.keys.map((key) => this.#positions.get(key) ?? this.#state.position);
    if (!this.isSearchingBack) return { ...this.#state, positions };
    const { newestAtStart } = this.#state;
    const searchedFrom = this.keys.map((key) => this.searchedFrom(key) ?? newestAtStart);
    return { ...this.#state, positions, searchedFrom };
  }

  /** The topics of the keys for the next read. The log may leave out messages to other topics. */
  get topics(): readonly string[] {
    const keys = this.isSearchingBack ? this.#search.keys : this.keys;
    return [...new Set(keys.map(topicOf))];
  }

  /**
   * Whether the history has lost messages that must still be sent for a key.
   *
   * @param trimmedTo `LogPage.trimmedTo` of the newest page.
   */
  hasLost(key: string, trimmedTo: number): boolean {
    const position = this.positionOf(key);
    if (position < 0 || position >= trimmedTo) return false;
    // Before `keptUntil`, a key receives only messages that are still kept, so it has not lost the others. It has lost messages
    // only if the log has dropped messages that came after the start of the replay.
    const { keptUntil = 0, newestAtStart } = this.#state;
    return position >= keptUntil || newestAtStart < trimmedTo;
  }

  /** Continues the search for the newest messages with the next page of `LogReader.readBack`. */
  searchBack({ entries, end, trimmedTo }: LogPage): void {
    this.#matcher.cost = 0;
    let next = end;
    for (const entry of entries) {
      const sequence = sequenceOf(entry.cursor);
      for (const { key } of this.#matcher.matchesOf(entry)) {
        const found = this.#search.count(key, sequence);
        if (found !== undefined) this.#startKey(found, trimmedTo);
      }
      for (const key of this.#matcher.keysOf(entry)) {
        const ended = this.#search.examine(key, sequence);
        if (ended !== undefined) this.#startKey(ended, trimmedTo);
      }
      if (!this.isSearchingBack || this.#matcher.cost > MAX_PAGE_COST) {
        next = sequence;
        break;
      }
    }
    this.#search.next = next;
    // The history has fewer messages of these keys than requested, so each key starts with its oldest message. A key without
    // messages starts after the newest message, because trimming could overtake a position at the beginning of the history.
    if (next === 0) for (const found of this.#search.end()) this.#startKey(found, trimmedTo);
    if (!this.isSearchingBack) this.#moveTo(Math.min(...this.#positions.values()));
  }

  /**
   * Renders the messages of a page for this client, and advances the position. Stops after about `REPLAY_PAGE.bytes`, or when
   * the decisions about the messages have exceeded `MAX_PAGE_COST`.
   *
   * @param page The page of `LogReader.read` after `next`.
   * @param until Sequence of the newest message that was delivered to the live clients. Later messages will be delivered live.
   */
  render({ entries, end }: LogPage, until: number): RenderedPage {
    const rendered = { text: "", frames: 0 };
    this.#matcher.cost = 0;
    for (const entry of entries) {
      const cursor = parseCursor(entry.cursor);
      const sequence = cursor?.sequence ?? 0;
      if (sequence > until) break;
      // The page may leave out messages before this one, and an id within this message names the position right before it.
      if (sequence - 1 > this.#state.position) this.#moveTo(sequence - 1);
      const matches = this.#matcher
        .matchesOf(entry)
        .filter(({ key }) => this.#isAhead(key, sequence));
      if (!this.#renderMatches(entry, matches, cursor, rendered)) return rendered;
      this.#moveTo(sequence);
      if (matches.length > 0) this.#state.replayed += 1;
      if (this.#matcher.cost > MAX_PAGE_COST) return rendered;
    }
    const reached = Math.min(end, until);
    if (reached > this.#state.position) this.#moveTo(reached);
    return rendered;
  }

  /** Renders a message for each of its keys. Returns false if the page is full before the last of them. */
  #renderMatches(
    { cursor: text }: LogEntry,
    matches: readonly Match[],
    cursor: Cursor | undefined,
    rendered: Mutable<RenderedPage>,
  ): boolean {
    for (const [index, { key, keyHash, data }] of matches.entries()) {
      if (rendered.text.length >= REPLAY_PAGE.bytes) return false;
      const isLast = index === matches.length - 1;
      const id = this.#createId(text, cursor, isLast ? undefined : keyHash);
      rendered.text += formatSSEMessage({ event: eventNameOf(key), data, id });
      this.lastId = id;
      rendered.frames += 1;
      // Set after each key, because the client's keys may change before the rest of this message is rendered.
      this.#positions.set(key, cursor?.sequence ?? 0);
      this.#state.keyHash = keyHash;
      this.#state.isUnderWay = true;
    }
    return true;
  }

  #moveTo(sequence: number): void {
    this.#state.position = sequence;
    this.#state.keyHash = undefined;
    this.#state.hasMoved = true;
  }

  #startKey({ key, oldest }: FoundKey, trimmedTo: number): void {
    this.#positions.set(key, oldest - 1);
    if (oldest <= trimmedTo) this.#state.keptUntil = trimmedTo;
  }

  /** Whether a message with this sequence must still be sent for a key. */
  #isAhead(key: string, sequence: number): boolean {
    return (this.#positions.get(key) ?? 0) < sequence;
  }

  /**
   * Creates the id of an event.
   *
   * @param keyHash The hash of the event's key, if the client receives the same message for another key after this event.
   *   The id then names the position within the message.
   */
  #createId(text: string, cursor: Cursor | undefined, keyHash: string | undefined): string {
    const { position, unsafeUntil } = this.#state;
    if (cursor === undefined || cursor.sequence <= unsafeUntil) return nanoid();
    return keyHash === undefined ? text : formatCursor({ ...cursor, sequence: position, keyHash });
  }
}
