import { type Cursor, formatCursor, parseCursor, sequenceOf } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { MessageContents } from "../realtime/records/message-contents.ts";
import { TimeSlicer } from "../realtime/replay/time-slicer.ts";
import type { LogEntry, LogPage, LogReader, MaybePromise, Principal } from "../realtime/types.ts";
import { MatchCollector } from "./match-collector.ts";

/** Selects messages of the history. */
export interface HistoryRequest {
  /** Subscription keys. The page has the messages that match at least one of them. */
  readonly topics: readonly string[];
  /**
   * The page starts with the oldest message after this cursor. Without `after` and `before`, the page ends with the newest
   * message.
   */
  readonly after?: string | undefined;
  /** The page ends with the newest message before this cursor. Not allowed together with `after`. */
  readonly before?: string | undefined;
  /** Maximum number of messages in the page, from 1. */
  readonly limit: number;
}

/** One page of the history. */
export interface HistoryPage {
  /** Oldest first, without `Message.change`. */
  readonly messages: readonly LogEntry[];
  /**
   * The position at the end of the page. To miss nothing after the page, request the next page with `after: cursor`, or open
   * a stream with `lastEventId: cursor`.
   */
  readonly cursor: string;
  /** Whether the history has more matching messages: newer ones if the request had `after`, otherwise older ones. */
  readonly more: boolean;
  /**
   * The cost of the page in rate limits: the number of messages that were read for it, matching or not, and
   * `EMPTY_PAGE_COST` for each read that returned none.
   */
  readonly scanned: number;
}

/** Maximum number and size of the messages that one time slice reads. */
const SCAN_PAGE = { messages: 1000, bytes: 256 * 1024 };

/** Cost of a read from the log that returned no messages, because it may have skipped many erased ones. */
const EMPTY_PAGE_COST = 100;

/**
 * All scans of one log share a time slicer. Together they run for about 5 ms at a time, and deliveries run in between. Each log
 * has its own slicer because Durable Objects in one isolate share this module, and a timer of one object must not run the scans
 * of another object.
 */
const slicerByLog = new WeakMap<LogReader, TimeSlicer>();

/**
 * Reads a page of a log's history. If few messages match, this may read the whole log.
 *
 * @param contents Applies rules and the options of the keys.
 * @param reader The page has only messages that this caller may receive. Default: a guest.
 * @throws RealtimeError `invalid_filter`, `invalid_fields` or `invalid_input` for the options of a key; `unknown_cursor` when
 *   `after` or `before` is not a cursor of this log, or when messages after `after` have been trimmed.
 */
export async function readHistory(
  log: LogReader,
  request: HistoryRequest,
  contents: MessageContents,
  reader: Principal = {},
): Promise<HistoryPage> {
  contents.check(request.topics, reader.isAdmin === true);
  const scan = new HistoryScan(log, request, new MatchCollector(request, contents, reader));
  const slicer = slicerByLog.get(log) ?? new TimeSlicer();
  slicerByLog.set(log, slicer);
  for (;;) {
    const page = await runInSlice(slicer, () => scan.next());
    if (page !== undefined) return page;
  }
}

/** Runs work in a time slice. When the work returns a promise, the slice ends without waiting for it. */
function runInSlice<T>(slicer: TimeSlicer, work: () => MaybePromise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    slicer.add(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The scan for one history request. */
class HistoryScan {
  readonly #log: LogReader;
  readonly #request: HistoryRequest;
  readonly #isForwards: boolean;
  readonly #matches: MatchCollector;
  /** The cursor of the log's newest message when the scan started. Messages that are published later belong to a later page. */
  readonly #logEnd: Cursor;
  /** Sequence of the newest message of a page that is read backwards. */
  readonly #newest: number;
  /** Sequence of the last message that was scanned. Before a scan backwards, it is the sequence after the newest message. */
  #position: number;
  #isDone: boolean;
  #scanned = 0;

  constructor(log: LogReader, request: HistoryRequest, matches: MatchCollector) {
    const { after, before } = request;
    const logEnd = parseCursor(log.cursor());
    if (logEnd === undefined) throw new Error("The log's cursor can't be parsed.");
    this.#log = log;
    this.#request = request;
    this.#isForwards = after !== undefined;
    this.#matches = matches;
    this.#logEnd = logEnd;
    this.#newest = before === undefined ? logEnd.sequence : this.#sequenceBefore(before);
    this.#position = after === undefined ? this.#newest + 1 : this.#sequenceIn(after, "after");
    this.#isDone = this.#isForwards && this.#position === logEnd.sequence;
  }

  /** Scans the next part of the log. Returns the page when the scan is complete, and undefined otherwise. */
  next(): MaybePromise<HistoryPage | undefined> {
    if (this.#isDone) return this.#page(false);
    const { messages, bytes } = SCAN_PAGE;
    const cursor = this.#cursorOf(this.#position);
    const { topics } = this.#matches;
    const page = this.#isForwards
      ? this.#log.read(cursor, messages, bytes, topics)
      : this.#log.readBack(cursor, messages, bytes, topics);
    return page instanceof Promise ? page.then((read) => this.#scan(read)) : this.#scan(page);
  }

  #scan(page: LogPage | undefined): HistoryPage | undefined {
    const isTrimmed = this.#isForwards && page !== undefined && page.trimmedTo > this.#position;
    if (page === undefined || isTrimmed) throw unknownCursor(this.#isForwards ? "after" : "before");
    const { sequence: last } = this.#logEnd;
    // The log may return messages that were published after the scan started.
    const isPastEnd = this.#isForwards && page.end > last;
    let before: LogEntry | undefined;
    for (const entry of page.entries) {
      if (isPastEnd && sequenceOf(entry.cursor) > last) break;
      this.#scanned += 1;
      if (!this.#matches.offer(entry)) return this.#pageAfter(before);
      before = entry;
      // The scan continues from this entry in a later slice.
      if (this.#matches.endsSlice()) {
        this.#position = sequenceOf(entry.cursor);
        return undefined;
      }
    }
    this.#position = this.#isForwards ? Math.min(page.end, last) : page.end;
    this.#isDone = this.#isForwards ? this.#position >= last : this.#position === 0;
    if (this.#isDone) return this.#page(false);
    if (page.entries.length === 0) this.#scanned += EMPTY_PAGE_COST;
    return undefined;
  }

  /** Returns the full page. `entry` is the last entry of this slice; undefined if the slice has scanned no entry. */
  #pageAfter(entry: LogEntry | undefined): HistoryPage {
    if (entry !== undefined) this.#position = sequenceOf(entry.cursor);
    return this.#page(true);
  }

  #page(more: boolean): HistoryPage {
    const { entries } = this.#matches;
    return {
      messages: this.#isForwards ? entries : entries.toReversed(),
      cursor: this.#endCursor(),
      more,
      scanned: this.#scanned,
    };
  }

  /** `HistoryPage.cursor`. A position within a message (`Cursor.keyHash`) stays as it is until the page has a message. */
  #endCursor(): string {
    if (!this.#isForwards) return this.#cursorOf(this.#newest);
    const { after = "" } = this.#request;
    return this.#position === sequenceOf(after) ? after : this.#cursorOf(this.#position);
  }

  #cursorOf(sequence: number): string {
    return formatCursor({ ...this.#logEnd, sequence });
  }

  /** @throws RealtimeError `unknown_cursor`. */
  #sequenceIn(text: string, name: "after" | "before"): number {
    const cursor = parseCursor(text);
    if (cursor === undefined || !this.#log.hasReached(cursor)) throw unknownCursor(name);
    return cursor.sequence;
  }

  /**
   * Returns the sequence of the newest message of the page for `before: text`. A cursor with a suffix (`~` or `.`, see
   * realtime/cursor.ts) is a position after the message that the cursor names, so the page includes this message.
   */
  #sequenceBefore(text: string): number {
    const sequence = this.#sequenceIn(text, "before");
    return /[~.]/.test(text) ? sequence : Math.max(sequence - 1, 0);
  }
}

function unknownCursor(name: "after" | "before"): RealtimeError {
  const trimmed = name === "after" ? "messages after the cursor have been trimmed, or " : "";
  return new RealtimeError(
    "unknown_cursor",
    `The history does not have the cursor in "${name}": ${trimmed}the cursor belongs to another log, or to messages that this log has lost. Omit "${name}" to read the newest messages.`,
  );
}
