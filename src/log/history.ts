import { compileRights, type Rights } from "../realtime/access/rights.ts";
import { formatCursor, parseCursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import { TimeSlicer } from "../realtime/replay/time-slicer.ts";
import { topicOf } from "../realtime/subscriptions/subscription-key.ts";
import type { LogEntry, LogReader, MaybePromise } from "../realtime/types.ts";

/** Which messages of the history to read. */
export interface HistoryRequest {
  /** Subscription keys: a message is read when one of them matches it. */
  readonly topics: readonly string[];
  /** The oldest behind this cursor. Default: the newest there are. */
  readonly after?: string | undefined;
  /** The newest before this cursor. Not with `after`. */
  readonly before?: string | undefined;
  /** Messages, from 1. */
  readonly limit: number;
}

/** Messages, oldest first. */
export interface HistoryPage {
  readonly messages: readonly LogEntry[];
  /** The place behind the page: read on `after` it, or listen from it (`lastEventId`), and nothing is missed. */
  readonly cursor: string;
  /** Whether there are more: newer ones when `after` was given, older ones otherwise. */
  readonly more: boolean;
  /** How many messages were looked at for this page: what it has cost. */
  readonly scanned: number;
}

/** Entries, and bytes of them, that are looked through at a time; then others get their turn. */
const SCAN_PAGE = { messages: 1000, bytes: 256 * 1024 };

/** UTF-16 code units of data in one answer; one message is answered however large it is. */
const MAX_DATA = 4 * 1024 * 1024;

/**
 * All reads of a log take turns: together they get some milliseconds at a time, and others get theirs between. Several Durable
 * Objects may share this module, and the timer of one must not run the reads of another.
 */
const turnsByLog = new WeakMap<LogReader, TimeSlicer>();

/**
 * Reads what somebody may read of a log, looking through all of it if it must.
 *
 * @param rights Patterns of the topics whose private messages they may have.
 * @throws RealtimeError `unknown_cursor` when the log can't say what came after `after` or before `before`.
 */
export async function readHistory(
  log: LogReader,
  request: HistoryRequest,
  rights: readonly string[] = [],
): Promise<HistoryPage> {
  const reading = new Reading(log, request, rights);
  const turns = turnsByLog.get(log) ?? new TimeSlicer();
  turnsByLog.set(log, turns);
  for (;;) {
    const page = await inTurn(turns, () => reading.read());
    if (page !== undefined) return page;
  }
}

/** Runs work in a turn, so that its time counts there. Work that ends with a promise is waited for outside. */
function inTurn<T>(turns: TimeSlicer, work: () => MaybePromise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    turns.add(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** One read on its way through the log. */
class Reading {
  readonly #log: LogReader;
  readonly #after: string | undefined;
  readonly #found: Found;
  /** What is published while the log is looked through belongs to a later page. */
  readonly #end: string;
  /** The place that a page which is read backwards ends at. */
  readonly #last: string;
  #place: string;
  #isAtEnd: boolean;
  #scanned = 0;

  constructor(log: LogReader, request: HistoryRequest, rights: readonly string[]) {
    const { after } = request;
    // An id that is no message's own stands behind the message that it names.
    const before = /[~.]/.test(request.before ?? "")
      ? moved(request.before ?? "", 1)
      : request.before;
    this.#log = log;
    this.#after = after;
    this.#found = new Found(request, rights);
    this.#end = log.cursor();
    if (sequenceOf(request.before ?? "") > sequenceOf(this.#end)) throw unknownCursor("before");
    this.#last = before === undefined ? this.#end : moved(before, -1);
    this.#place = after ?? before ?? moved(this.#end, 1);
    this.#isAtEnd = after === this.#end;
  }

  /** Looks through some more of the log. Undefined when there is more to look through. */
  read(): MaybePromise<HistoryPage | undefined> {
    if (this.#isAtEnd) return this.#page(false);
    const { messages, bytes } = SCAN_PAGE;
    const entries =
      this.#after === undefined
        ? this.#log.readBack(this.#place, messages, bytes)
        : this.#log.read(this.#place, messages, bytes);
    return entries instanceof Promise
      ? entries.then((come) => this.#look(come))
      : this.#look(entries);
  }

  #look(entries: readonly LogEntry[] | undefined): HistoryPage | undefined {
    const isForwards = this.#after !== undefined;
    if (entries === undefined) throw unknownCursor(isForwards ? "after" : "before");
    for (const entry of entries) {
      // A log that answers in its own time may know newer ones by then.
      this.#isAtEnd = isForwards && sequenceOf(entry.cursor) > sequenceOf(this.#end);
      if (this.#isAtEnd) break;
      this.#scanned += 1;
      if (!this.#found.offer(entry)) return this.#page(true);
      this.#place = entry.cursor;
      this.#isAtEnd = isForwards && this.#place === this.#end;
    }
    return entries.length === 0 || this.#isAtEnd ? this.#page(false) : undefined;
  }

  #page(more: boolean): HistoryPage {
    const isBackwards = this.#after === undefined;
    const { entries } = this.#found;
    const messages = isBackwards ? entries.toReversed() : entries;
    const cursor = isBackwards ? this.#last : this.#place;
    return { messages, cursor, more, scanned: this.#scanned };
  }
}

/** The messages that match, as they are come upon. */
class Found {
  readonly entries: LogEntry[] = [];
  /** Topics of the keys, and of what may be read of private messages. */
  readonly #topics: Rights;
  readonly #rights: Rights;
  readonly #limit: number;
  #size = 0;

  constructor({ topics, limit }: HistoryRequest, rights: readonly string[]) {
    this.#topics = compileRights(topics.filter((key) => key !== "").map(topicOf));
    this.#rights = compileRights(rights);
    this.#limit = limit;
  }

  /** False when it matches and there is no room for it. */
  offer(entry: LogEntry): boolean {
    if (!this.#matches(entry)) return true;
    this.#size += entry.message.data.length;
    const isFull = this.entries.length >= this.#limit;
    if (isFull || (this.#size > MAX_DATA && this.entries.length > 0)) return false;
    this.entries.push(entry);
    return true;
  }

  #matches({ message: { topics, private: isPrivate } }: LogEntry): boolean {
    return topics.some(
      (topic) => this.#topics.covers(topic) && (!isPrivate || this.#rights.covers(topic)),
    );
  }
}

function sequenceOf(cursor: string): number {
  return parseCursor(cursor)?.sequence ?? 0;
}

/** The place so many messages further on. */
function moved(cursor: string, step: number): string {
  const place = parseCursor(cursor);
  if (place === undefined) return cursor;
  const sequence = Math.max(place.sequence + step, 0);
  return formatCursor({ ...place, sequence, keyHash: undefined });
}

function unknownCursor(name: string): RealtimeError {
  return new RealtimeError(
    "unknown_cursor",
    `The history does not have the place that "${name}" names: it has moved on, or the place is not of this log. Leave it out to read the newest messages.`,
  );
}
