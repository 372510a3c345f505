import { formatCursor, parseCursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import { SubscriptionIndex } from "../realtime/subscription-index.ts";
import type { LogEntry, LogReader } from "../realtime/types.ts";

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
}

/** Entries, and bytes of them, that are looked through at a time; then others get their turn. */
const PAGE = { messages: 1000, bytes: 256 * 1024 };

/** UTF-16 code units of data in one answer; one message is answered however large it is. */
const MAX_DATA = 4 * 1024 * 1024;

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
  const { after } = request;
  // An id that is no message's own stands behind the message that it names.
  const before = /[~.]/.test(request.before ?? "")
    ? moved(request.before ?? "", 1)
    : request.before;
  const found = new Found(request, rights);
  // What is published while the log is looked through belongs to a later page.
  const end = log.cursor();
  if (sequenceOf(request.before ?? "") > sequenceOf(end)) throw unknownCursor("before");
  // The place that a page which is read backwards ends at.
  const last = before === undefined ? end : moved(before, -1);
  let place = after ?? before ?? moved(end, 1);
  let isAtEnd = after === end;
  while (!isAtEnd) {
    const page =
      after === undefined
        ? await log.readBack(place, PAGE.messages, PAGE.bytes)
        : await log.read(place, PAGE.messages, PAGE.bytes);
    if (page === undefined) throw unknownCursor(after === undefined ? "before" : "after");
    for (const entry of page) {
      // A log that answers in its own time may know newer ones by then.
      isAtEnd = after !== undefined && sequenceOf(entry.cursor) > sequenceOf(end);
      if (isAtEnd) break;
      if (!found.take(entry)) return found.page(after === undefined, place, last, true);
      place = entry.cursor;
      isAtEnd = after !== undefined && place === end;
    }
    if (page.length === 0) break;
    await nextTurn();
  }
  return found.page(after === undefined, place, last, false);
}

/** The messages that match, as they are come upon. */
class Found {
  readonly #index = new SubscriptionIndex<Found>();
  readonly #limit: number;
  readonly #entries: LogEntry[] = [];
  #size = 0;

  constructor({ topics, limit }: HistoryRequest, rights: readonly string[]) {
    this.#index.replace(this, topics, rights);
    this.#limit = limit;
  }

  /** False when it matches and there is no room for it. */
  take(entry: LogEntry): boolean {
    const { topics, data, private: isPrivate } = entry.message;
    if (this.#index.match(topics, isPrivate).length === 0) return true;
    this.#size += data.length;
    const isFull = this.#entries.length >= this.#limit;
    if (isFull || (this.#size > MAX_DATA && this.#entries.length > 0)) return false;
    this.#entries.push(entry);
    return true;
  }

  /** @param place Of the entry that was looked at last; @param last Where a page that was read backwards ends. */
  page(isBackwards: boolean, place: string, last: string, more: boolean): HistoryPage {
    const messages = isBackwards ? this.#entries.reverse() : this.#entries;
    return { messages, cursor: isBackwards ? last : place, more };
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
  return formatCursor({ ...place, sequence, key: undefined });
}

function unknownCursor(name: string): RealtimeError {
  return new RealtimeError(
    "unknown_cursor",
    `The history does not have the place that "${name}" names: it has moved on, or the place is not of this log. Leave it out to read the newest messages.`,
  );
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
