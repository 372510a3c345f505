import type { TopicRule } from "../realtime/topic-rules.ts";
import type { LogReader, MaybePromise, Message, Principal } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { SharedPresence } from "./shared-presence.ts";

/**
 * Bounds on the messages that a log keeps. If the log exceeds one of the bounds, it drops its oldest messages. A bound of 0
 * turns the history off.
 */
export interface HistoryLimits {
  /** Maximum number of messages. Default 10,000. */
  readonly messages: number;
  /** How long the log keeps a message. Default 300,000 (five minutes). */
  readonly maxAge: Milliseconds;
  /** Maximum size of all messages together: their ids, topics, data and changes in UTF-8. Default 32 MiB. */
  readonly bytes: Bytes;
}

/** The default of each limit. */
export const DEFAULT_HISTORY: HistoryLimits = {
  messages: 10_000,
  maxAge: 300_000,
  bytes: 32 * 1024 * 1024,
};

/** The default of each limit for a log on the disk of a process: a million messages, 1 GiB and seven days. */
export const DEFAULT_DISK_HISTORY: HistoryLimits = {
  messages: 1_000_000,
  maxAge: 7 * 86_400_000,
  bytes: 1024 ** 3,
};

/**
 * Bounds on the message ids that a log remembers to recognise retries. They do not depend on `HistoryLimits`, because the log
 * must recognise a retry even if the history is off. One publisher (`publisherOfId`) takes at most half of the ids.
 */
export interface RememberedIdLimits {
  /** Maximum number of ids. A log in SQLite may remember a hundredth more. Default 10,000. */
  readonly count: number;
  /** How long a log remembers an id. Default 300,000 (five minutes). */
  readonly maxAge: Milliseconds;
}

/** The default of each limit. */
export const DEFAULT_REMEMBERED_IDS: RememberedIdLimits = { count: 10_000, maxAge: 300_000 };

/** The default of each limit for a log that several processes share. */
export const DEFAULT_SHARED_IDS: RememberedIdLimits = { count: 1_000_000, maxAge: 300_000 };

/**
 * Bounds on the messages that topic rules keep (`TopicRule.keep`). If they are exceeded, the log forgets the kept messages of
 * the topic that has been silent for the longest time. A bound of 0 keeps none.
 */
export interface KeptLimits {
  /**
   * Maximum size of all kept messages together, as `HistoryLimits.bytes` counts it. Also counts kept messages that are still
   * within `HistoryLimits`. Default 64 MiB.
   */
  readonly bytes: Bytes;
  /** Maximum number of topics with kept messages. Default 100,000. */
  readonly topics: number;
}

/** The default of each limit. */
export const DEFAULT_KEPT: KeptLimits = { bytes: 64 * 1024 * 1024, topics: 100_000 };

/** The options that all logs share. */
export interface LogOptions {
  /** Bounds on the messages that the log keeps. Default for each bound: `DEFAULT_HISTORY`. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** Bounds on the message ids that the log remembers. Default for each bound: `DEFAULT_REMEMBERED_IDS`. */
  readonly rememberedIds?: Partial<RememberedIdLimits> | undefined;
  /** Topic rules. The log applies `keep`. Default: none. */
  readonly topics?: readonly TopicRule[] | undefined;
  /** Bounds on the messages that topic rules keep. Default for each bound: `DEFAULT_KEPT`. */
  readonly kept?: Partial<KeptLimits> | undefined;
  /** The wall clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Returns the publisher in a message id. The id of a user's message is the user's identity, a tab, and the message's own id.
 * All guests count as one publisher with an empty identity. Messages of the embedding app and of holders of the admin key have
 * no tab in their ids, so the result is undefined.
 */
export function publisherOfId(id: string): string | undefined {
  const tab = id.indexOf("\t");
  return tab === -1 ? undefined : id.slice(0, tab);
}

const utf8 = new TextEncoder();

/** Returns the size of a message, as `HistoryLimits.bytes` counts it. */
export function messageSize({ id, topics, data, change = "", traceparent = "" }: Message): Bytes {
  return utf8.encode(id + topics.join("") + data + change + traceparent).length;
}

/** The outcome of publishing one message. */
export interface PublishReceipt {
  /** The message's id: the id that the caller set, or the id that `createMessage` generated. */
  readonly id: string;
  /** Whether the log already had a message with this id. A duplicate is not stored or delivered again. */
  readonly duplicate: boolean;
}

/** Counters of a log. */
export interface LogStats {
  /** Number of messages appended since the log was opened. */
  readonly accepted: number;
  /** Number of duplicates since the log was opened. */
  readonly duplicate: number;
  /** Number of messages that the log has now. */
  readonly messages: number;
  /** Size of these messages. */
  readonly bytes: Bytes;
  /** Statistics of the messages that topic rules keep. Undefined for a log that does not apply `TopicRule.keep`. */
  readonly kept?: KeptStats | undefined;
}

/** Statistics of the messages that topic rules keep. A message may also be within the limits of the history. */
export interface KeptStats {
  /** Number of topics with kept messages. */
  readonly topics: number;
  /** Number of kept messages. A message that several topics keep counts once for each of them. */
  readonly messages: number;
  /** Size of these messages. */
  readonly bytes: Bytes;
  /** Number of topics that were forgotten because of `KeptLimits`, since the log was opened. */
  readonly evicted: number;
}

/** Whether the limits let a log keep any message at all. */
export function isHistoryEnabled({ messages, maxAge, bytes }: HistoryLimits): boolean {
  return messages > 0 && maxAge > 0 && bytes > 0;
}

/** A revoked subject. */
export interface StoredRevocation {
  readonly subject: string;
  /** When the subject was revoked, in milliseconds since 1970. */
  readonly at: Milliseconds;
}

/** The revocations that a log stores beside its messages, so that they hold after a restart. */
export interface RevocationStore {
  /** All revocations, oldest first. */
  all(): readonly StoredRevocation[];
  /**
   * Stores a revocation. It replaces an earlier revocation of the subject.
   *
   * @param at Milliseconds since 1970.
   * @throws RealtimeError `storage_failed` in a process, when the revocation can't be stored.
   */
  set(subject: string, at: Milliseconds): void;
  /** Deletes a revocation. Throws as `set`. */
  remove(subject: string): void;
}

/** The revocations of a log over several processes. */
export interface SharedRevocations {
  /** All revocations, oldest first. */
  all(): readonly StoredRevocation[];
  /**
   * Stores a revocation, and announces it to all processes.
   *
   * @returns The revocation, with the time by the clock that the processes share.
   * @throws RealtimeError `unreachable` or `storage_failed`.
   */
  revoke(subject: string): Promise<StoredRevocation>;
  /** Calls `listener` with each revocation that this or another process makes. May repeat a revocation. */
  follow(listener: (revocation: StoredRevocation) => void): void;
}

/**
 * All accepted messages in one total order. `append` adds messages to the log, and then calls the tail listeners. A message
 * that a tail listener receives has therefore already been appended.
 *
 * `createMemoryLog` and `SqliteLog` implement the interface. To write another adapter, format its cursors with `formatCursor`
 * and run the contract tests in `test/suites/log.ts` against it. Methods may return a value or a promise.
 */
export interface MessageLog extends LogReader {
  /**
   * Appends messages in the given order. The call appends all of the messages or, when it throws, none.
   *
   * The log remembers ids within `RememberedIdLimits`. A message with a remembered id gets a receipt with `duplicate: true` and
   * is not appended again.
   *
   * @param publisher The principal that publishes. A log over several processes checks once more that the credential is not
   *   revoked, because the revocation may not have reached this process yet.
   * @returns One receipt for each message, in the same order.
   * @throws RealtimeError `id_reused` when a message has a remembered id, but other content. `fields` has one error for the
   *   index of each such message. `storage_failed` when the messages can't be stored. A log over several processes also throws
   *   `revoked`, and `unreachable` when the messages may or may not have been appended.
   */
  append(
    messages: readonly Message[],
    publisher?: Principal,
  ): MaybePromise<readonly PublishReceipt[]>;
  stats(): MaybePromise<LogStats>;
  /**
   * Erases the messages to a topic that the log has. A message to several topics is erased if one of them matches. Cursors stay
   * valid, and the ids of the messages are still remembered.
   *
   * @param topic A topic, `prefix/*` or `*`.
   * @returns The number of erased messages.
   */
  erase(topic: string): MaybePromise<number>;
  /**
   * Delivers the appended messages to the tail listeners, then removes the listeners. `read` and `readBack` must still work
   * after `close`, because clients may still be receiving a replay.
   */
  close(): MaybePromise<void>;
  /**
   * Frees the resources of the log, such as a file. The registry calls `release` once, after `close` and after the registry's
   * last read. No other method may be called after `release`. Omit the method if the log has no such resources.
   */
  release?(): MaybePromise<void>;
  /**
   * Checks that messages can be stored. `GET /api/health/ready` answers 503 with the error. Omit the method if storing can't
   * fail.
   *
   * @throws RealtimeError `storage_failed` when the last write has failed.
   */
  assertWritable?(): void;
  /** Omit the property if revocations are forgotten when the process ends. */
  readonly revocations?: RevocationStore;
  /** Set in place of `revocations` by a log over several processes. */
  readonly sharedRevocations?: SharedRevocations;
  /** The members of topics over several processes. Omit the property if the processes share none. */
  readonly sharedPresence?: SharedPresence | undefined;
}
