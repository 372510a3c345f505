import { expect } from "vitest";
import type {
  HistoryLimits,
  LogOptions,
  MessageLog,
  PublishReceipt,
} from "../../../src/log/log.ts";
import { sequenceOf } from "../../../src/realtime/cursor.ts";
import type { LogEntry, LogPage, Message } from "../../../src/realtime/types.ts";
import { eventually } from "../../support/deadline.ts";

/** The options that a log is opened with. Each log starts empty, with an epoch of its own. */
export interface OpenLogOptions extends Pick<LogOptions, "history" | "topics" | "kept"> {
  readonly now: () => number;
}

export type OpenLog = (options: OpenLogOptions) => Promise<MessageLog> | MessageLog;

/** Features that an adapter lacks, each with the reason. */
export interface LogFlags {
  /** Why the log does not use `now`. Tests of ages are left out. */
  readonly ownClock?: string;
  /** Why the log does not apply `history.bytes`. */
  readonly noByteBound?: string;
  /** Why the log does not limit the number of remembered ids. */
  readonly idsByAgeOnly?: string;
  /** The number of model runs, with the reason. Set when the default of 100 takes too long. */
  readonly fewerRuns?: { readonly runs: number; readonly reason: string };
}

/** A log under test with awaited calls, a manual clock and a recorded tail. */
export class LogUnderTest {
  readonly log: MessageLog;
  /** Entries that the tail has delivered since the log was opened. */
  readonly tailed: LogEntry[] = [];
  readonly #clock: Clock;

  constructor(log: MessageLog, clock: Clock) {
    this.log = log;
    this.#clock = clock;
    log.tail((entries) => this.tailed.push(...entries));
  }

  get now(): number {
    return this.#clock.time;
  }

  /** Advances the log's clock. */
  pass(milliseconds: number): void {
    this.#clock.time += milliseconds;
  }

  /** Appends messages with these ids. */
  append(...ids: string[]): Promise<readonly PublishReceipt[]> {
    return this.appendMessages(ids.map((id) => message(id)));
  }

  async appendMessages(messages: readonly Message[]): Promise<readonly PublishReceipt[]> {
    return await this.log.append(messages);
  }

  /** Waits until the tail has delivered `count` entries, and returns all delivered entries. */
  async delivered(count: number): Promise<readonly LogEntry[]> {
    await eventually(() => this.tailed.length >= count, `the tail delivers ${count} entries`);
    return this.tailed;
  }

  /** Appends messages with these ids and returns their cursors from the tail. */
  async cursorsOf(...ids: string[]): Promise<string[]> {
    const before = this.tailed.length;
    await this.append(...ids);
    const entries = await this.delivered(before + ids.length);
    return entries.slice(before).map(({ cursor }) => cursor);
  }

  /** The ids after a cursor. Undefined when the log does not know the cursor, or has trimmed messages after it. */
  async idsAfter(
    cursor: string | undefined,
    limit = 1000,
    maxBytes?: number,
  ): Promise<string[] | undefined> {
    return idsOf(completePage(await this.log.read(cursor, limit, maxBytes), cursor)?.entries);
  }

  /** The ids before a cursor, newest first. Undefined when the log does not know the cursor. */
  async idsBefore(
    cursor: string | undefined,
    limit = 1000,
    maxBytes?: number,
  ): Promise<string[] | undefined> {
    const page = await this.log.readBack(cursor, limit, maxBytes);
    return idsOf(page?.entries);
  }
}

interface Clock {
  time: number;
}

/** Opens logs for one test and closes them after it. */
export class LogOpener {
  readonly #open: OpenLog;
  readonly #opened: MessageLog[] = [];

  constructor(open: OpenLog) {
    this.#open = open;
  }

  /** Opens a log with a clock that is set to a time in the past, so that it differs from the real time. */
  async open(
    history?: Partial<HistoryLimits>,
    options: Omit<OpenLogOptions, "now" | "history"> = {},
  ): Promise<LogUnderTest> {
    const { log, clock } = await this.openWithClock(
      history === undefined ? options : { ...options, history },
    );
    return new LogUnderTest(log, clock);
  }

  /** As `open`, but returns the log and its clock. */
  async openWithClock(
    options: Omit<OpenLogOptions, "now">,
  ): Promise<{ log: MessageLog; clock: Clock }> {
    const clock = { time: 1_000_000_000_000 };
    const log = await this.#open({ ...options, now: () => clock.time });
    this.#opened.push(log);
    return { log, clock };
  }

  async closeAll(): Promise<void> {
    for (const log of this.#opened.splice(0)) await log.close();
  }
}

export function message(id: string, rest: Partial<Message> = {}): Message {
  return { id, topics: ["chat"], data: JSON.stringify({ id }), private: false, ...rest };
}

/** `count` ids that begin with `prefix`. */
export function ids(count: number, prefix = "m"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

export function idsOf(entries: readonly LogEntry[] | undefined): string[] | undefined {
  return entries?.map(({ message }) => message.id);
}

/** A page after a cursor; undefined if the log has trimmed messages after the cursor. */
export function completePage(
  page: LogPage | undefined,
  after: string | undefined,
): LogPage | undefined {
  const isTrimmed = after !== undefined && page !== undefined && page.trimmedTo > sequenceOf(after);
  return isTrimmed ? undefined : page;
}

/** A reversed copy of a list. */
export function reverse<T>(list: readonly T[]): T[] {
  return [...list].reverse();
}

/** The item at `index`, which must exist. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list.at(index);
  expect(item, `nothing at ${index}`).toBeDefined();
  return item as T;
}
