import { formatCursor, parseCursor, sequenceOf } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { MessageContents } from "../realtime/records/message-contents.ts";
import { TimeSlicer } from "../realtime/replay/time-slicer.ts";
import type { LogEntry, LogReader, MaybePromise, Principal } from "../realtime/types.ts";
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
  /** Number of messages that were read for the page, matching or not. Rate limits count this as the cost of the request. */
  readonly scanned: number;
}

/** Maximum number and size of the messages that one time slice reads. */
const SCAN_PAGE = { messages: 1000, bytes: 256 * 1024 };

/**
 * All scans of one log share a time slicer. Together they run for about 5 ms at a time, and deliveries run in between. Each log
 * has its own slicer because Durable Objects in one isolate share this module, and a timer of one object must not run the scans
 * of another object.
 */
const slicerByLog = new WeakMap<LogReader, TimeSlicer>();

/**
 * Reads a page of a log's history. If few messages match, this reads the whole log.
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
  readonly #isForwards: boolean;
  readonly #matches: MatchCollector;
  /** The cursor of the log's newest message when the scan started. Messages that are published later belong to a later page. */
  readonly #logEnd: string;
  /** `HistoryPage.cursor` of a page that is read backwards. */
  readonly #backwardsCursor: string;
  /** The cursor of the last message that was scanned. */
  #position: string;
  #isDone: boolean;
  #scanned = 0;

  constructor(log: LogReader, request: HistoryRequest, matches: MatchCollector) {
    const { after } = request;
    this.#log = log;
    this.#isForwards = after !== undefined;
    this.#matches = matches;
    this.#logEnd = log.cursor();
    const before = request.before && endOf(request.before);
    if (request.before !== undefined && sequenceOf(request.before) > sequenceOf(this.#logEnd)) {
      throw unknownCursor("before");
    }
    this.#backwardsCursor = before === undefined ? this.#logEnd : shiftCursor(before, -1);
    this.#position = after ?? before ?? shiftCursor(this.#logEnd, 1);
    this.#isDone = after === this.#logEnd;
  }

  /** Scans the next part of the log. Returns the page when the scan is complete, and undefined otherwise. */
  next(): MaybePromise<HistoryPage | undefined> {
    if (this.#isDone) return this.#page(false);
    const { messages, bytes } = SCAN_PAGE;
    const entries = this.#isForwards
      ? this.#log.read(this.#position, messages, bytes)
      : this.#log.readBack(this.#position, messages, bytes);
    return entries instanceof Promise
      ? entries.then((read) => this.#scan(read))
      : this.#scan(entries);
  }

  #scan(entries: readonly LogEntry[] | undefined): HistoryPage | undefined {
    if (entries === undefined) throw unknownCursor(this.#isForwards ? "after" : "before");
    for (const entry of entries) {
      // A log that answers with a promise may return messages that were published after the scan started.
      this.#isDone = this.#isForwards && sequenceOf(entry.cursor) > sequenceOf(this.#logEnd);
      if (this.#isDone) break;
      this.#scanned += 1;
      if (!this.#matches.offer(entry)) return this.#page(true);
      this.#position = entry.cursor;
      this.#isDone = this.#isForwards && this.#position === this.#logEnd;
      // The scan continues from this entry in a later slice.
      if (!this.#isDone && this.#matches.endsSlice()) return undefined;
    }
    return entries.length === 0 || this.#isDone ? this.#page(false) : undefined;
  }

  #page(more: boolean): HistoryPage {
    const { entries } = this.#matches;
    return {
      messages: this.#isForwards ? entries : entries.toReversed(),
      cursor: this.#isForwards ? this.#position : this.#backwardsCursor,
      more,
      scanned: this.#scanned,
    };
  }
}

/**
 * Returns the cursor before which the page for `before: cursor` ends. A cursor with a suffix (`~` or `.`, see
 * realtime/cursor.ts) is a position after the message that the cursor names, so the page includes this message.
 */
function endOf(cursor: string): string {
  return /[~.]/.test(cursor) ? shiftCursor(cursor, 1) : cursor;
}

/**
 * Returns the cursor that is `step` messages after another, or before it if `step` is negative. A text that is not a cursor is
 * returned unchanged: the log does not find it, and `readHistory` throws `unknown_cursor`.
 */
function shiftCursor(text: string, step: number): string {
  const cursor = parseCursor(text);
  if (cursor === undefined) return text;
  const sequence = Math.max(cursor.sequence + step, 0);
  return formatCursor({ ...cursor, sequence, keyHash: undefined });
}

function unknownCursor(name: "after" | "before"): RealtimeError {
  const trimmed = name === "after" ? "messages after the cursor have been trimmed, or " : "";
  return new RealtimeError(
    "unknown_cursor",
    `The history does not have the cursor in "${name}": ${trimmed}the cursor belongs to another log. Omit "${name}" to read the newest messages.`,
  );
}
