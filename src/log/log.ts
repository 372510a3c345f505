import type { LogReader, MaybePromise, Message } from "../realtime/types.ts";

/** How much a log keeps. Each bound trims by itself; 0 messages, milliseconds or bytes keeps nothing. */
export interface HistoryLimits {
  /** Messages. Default 10,000. */
  readonly messages: number;
  /** Age in milliseconds. Default 300,000. */
  readonly maxAge: number;
  /** Bytes of message data, topics and ids as UTF-8. Default 32 MiB. */
  readonly bytes: number;
}

export const DEFAULT_HISTORY: HistoryLimits = {
  messages: 10_000,
  maxAge: 300_000,
  bytes: 32 * 1024 * 1024,
};

/**
 * Ids are remembered for so long (milliseconds), and so many of them, whatever the history keeps: a retry
 * must not deliver twice because history is off. `ofPublisher` is how many of them one publisher may have (`publisherOf`).
 */
export const REMEMBERED_IDS = { count: 10_000, maxAge: 300_000, perPublisher: 5000 };

/**
 * Who published a message, by its id: the ids of users begin with their identity and a tab. Undefined for holders of the admin
 * key and for the embedding app, whose ids have none.
 */
export function publisherOfId(id: string): string | undefined {
  const tab = id.indexOf("\t");
  return tab === -1 ? undefined : id.slice(0, tab);
}

const utf8 = new TextEncoder();

/** What a message counts for against `HistoryLimits.bytes`. */
export function messageSize({ id, topics, data }: Message): number {
  return utf8.encode(id + topics.join("") + data).length;
}

/** The outcome of publishing one message. */
export interface PublishReceipt {
  /** The message's id: the id that the caller set, or the id that `createMessage` generated. */
  readonly id: string;
  /** Whether the log already had a message with this id. A duplicate is not stored or delivered again. */
  readonly duplicate: boolean;
}

/** Counts since the log was opened, and what it holds now. */
export interface LogStats {
  readonly accepted: number;
  readonly duplicate: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Whether anything at all is kept. */
export function isHistoryEnabled({ messages, maxAge, bytes }: HistoryLimits): boolean {
  return messages > 0 && maxAge > 0 && bytes > 0;
}

/**
 * Accepted messages in one total order. It is asked first and delivers last: whoever hears of a message
 * from the tail can be sure the log has it.
 *
 * An adapter may answer plainly or with a promise, and its cursors are `realtime/cursor.ts`'s.
 * `test/suites/log.ts` says what it must do.
 */
export interface MessageLog extends LogReader {
  /**
   * Takes messages in the order given, all of them or, when it throws, none. A message whose id it took
   * before, within the time and number of ids it remembers, is answered and not taken again.
   *
   * @throws RealtimeError `id_reused` when the message of before has other content, with the fault of each by its index.
   */
  append(messages: readonly Message[]): MaybePromise<readonly PublishReceipt[]>;
  stats(): MaybePromise<LogStats>;
  /**
   * Hands the tail what was appended before, then calls it no more. Reading goes on: there may be clients
   * that are being served from the history.
   */
  close(): MaybePromise<void>;
}
