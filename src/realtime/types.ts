/** The data types of the core and the interfaces that adapters implement. */
import type { KeyStats } from "./access/capacity.ts";
import type { Bytes } from "./units.ts";

/**
 * Why a client was removed.
 *
 * - `client`: the client closed its connection or cancelled the stream
 * - `slow`: more than `maxBufferedBytes` waited for the client
 * - `stale`: nothing that was written to the client has drained for `staleTimeout`
 * - `shutdown`: the server is stopping
 * - `lifetime`: the stream has reached `maxStreamWrites`, and its client is asked to reconnect at once
 * - `admin`: an operator or the embedding app asked for it
 * - `expired`: the client's credential has expired, and no fresh one came within `authGrace`
 * - `revoked`: the client or its subject was revoked
 * - `error`: the stream's handler or a read of the history failed; the log has the error
 */
export type CloseReason =
  | "client"
  | "slow"
  | "stale"
  | "shutdown"
  | "lifetime"
  | "admin"
  | "expired"
  | "revoked"
  | "error";

/** Every `CloseReason`, for counters that start at zero. */
export const CLOSE_REASONS: readonly CloseReason[] = [
  "client",
  "slow",
  "stale",
  "shutdown",
  "lifetime",
  "admin",
  "expired",
  "revoked",
  "error",
];

/** Where the core writes the frames of one open stream. Every runtime brings an implementation. */
export interface FrameSink {
  /**
   * Queues one whole frame (one SSE event or comment). Must not throw, block or return a promise: other clients wait meanwhile.
   *
   * @returns false when the client is too slow or gone. The core then removes the client.
   */
  write(frame: Uint8Array): boolean;
  /** Bytes that were written and that the runtime has not sent yet. */
  readonly bufferedBytes: Bytes;
  /**
   * Calls `done` once when everything written so far has drained, at once if it has. Must not call it after the stream has
   * ended. An adapter that can't keep the function, because it hibernates, calls `HibernationSupport.resumeReplay` instead.
   */
  onDrain(done: () => void): void;
  /** Ends the stream. May be called more than once; the first reason counts. */
  close(reason: CloseReason): void;
}

/** The most characters of an identity. On Workers an identity is stored with a socket, which has room for 16 KiB. */
export const MAX_IDENTITY = 1024;

/** The most patterns in a client's rights. Each pattern is compared with each subscription key. */
export const MAX_RIGHTS = 100;

/** What is known of the sender of a request: its address and its credential. */
export interface Principal {
  /** The network address. Undefined when the runtime does not provide it. */
  readonly ip?: string | undefined;
  /** The user, 1 to `MAX_IDENTITY` characters. Undefined for a guest. */
  readonly identity?: string | undefined;
  /** Patterns of the topics whose private messages the client receives: `posts/1`, `posts/*` or `*`. Default: none. */
  readonly rights?: readonly string[] | undefined;
  /** When the credential was issued, in milliseconds since 1970. A revocation covers all credentials issued before. Default 0. */
  readonly issuedAt?: number | undefined;
  /** When the credential expires, in milliseconds since 1970. Default: never. */
  readonly expiresAt?: number | undefined;
}

/** What to revoke: one open stream, or all streams and credentials of a subject. */
export type Revocation =
  | { readonly clientId: string }
  | {
      /** An identity. */
      readonly subject: string;
    };

/** The most messages of the history that a subscription may start with. */
export const MAX_LAST = 1000;

/** Where new subscription keys start. Default: with the next message that is published. */
export interface StartPosition {
  /** The id of the last event that the client received. The messages after it are replayed. */
  readonly lastEventId?: string | undefined;
  /** How many of each key's newest messages are replayed, 0 to `MAX_LAST`. Ignored with a `lastEventId` of this log. */
  readonly last?: number | undefined;
}

/** A request that replaces a client's subscriptions. */
export interface SubscribeRequest extends Principal, StartPosition {
  /** Subscription keys. They replace all earlier keys of the client. Empty strings are ignored. */
  readonly subscriptions: readonly string[];
  /**
   * When the request arrived: milliseconds since 1970, distinct for every request of a process. A request that arrived before
   * the one that was applied last is ignored. Default: the request counts as the newest.
   */
  readonly arrivedAt?: number | undefined;
  /**
   * Whether these subscriptions were sent with the request that opened the stream, and `lastEventId` is the cursor that the
   * stream began with. Such a client did not ask to resume, so it gets no PB_RESUME. Default false.
   */
  readonly isInitial?: boolean | undefined;
  /**
   * Whether the request came with an expired credential and is treated as a guest's. The client is sent PB_AUTH_EXPIRED.
   * Default false.
   */
  readonly credentialEnded?: boolean | undefined;
}

/** A message that is ready for the log. `createMessage` makes one from what a backend publishes. */
export interface Message {
  /** Idempotency key, 1 to 255 characters. The log accepts each id once. */
  readonly id: string;
  /** The topics that the message is published to. A record event has up to six: the names of one record. */
  readonly topics: readonly string[];
  /** The data of the event: one line of JSON. */
  readonly data: string;
  /** Whether only clients with a right to the topic receive the message. */
  readonly private: boolean;
}

/** A message in a log. */
export interface LogEntry {
  /** The position of the message in the log, from which a client can resume: opaque and unique. */
  readonly cursor: string;
  /** When the log accepted the message, in milliseconds since 1970. */
  readonly at: number;
  readonly message: Message;
}

/** Receives each new entry of a log once, in the order of the log. Must not throw. */
export type TailListener = (entries: readonly LogEntry[]) => void;

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** The reading side of a log: what delivery, replay and history need. `MessageLog` adds writing. */
export interface LogReader {
  /** Whether the log keeps messages that can be read later. False when one of its history limits is 0. */
  readonly keepsHistory: boolean;
  /**
   * Calls `listener` for everything that this or another process appends from now on.
   *
   * @returns A function that ends the calls.
   */
  tail(listener: TailListener): () => void;
  /** The position after the newest message that `tail` has reported. */
  cursor(): string;
  /**
   * Reads entries after a cursor, oldest first. Takes O(log n) steps to find the cursor.
   *
   * @param after Undefined starts at the oldest entry of the history.
   * @param limit The most entries to return.
   * @param maxBytes The most bytes to return, but at least one entry if there is one. Default: no limit.
   * @returns undefined when the cursor is unknown or of another epoch, or when an entry after it was already trimmed: the reader
   *   can't know what it has missed.
   */
  read(
    after: string | undefined,
    limit: number,
    maxBytes?: Bytes,
  ): MaybePromise<readonly LogEntry[] | undefined>;
  /**
   * Reads entries before a cursor, newest first, as far back as the history goes.
   *
   * @param before Undefined starts at the newest entry.
   * @param limit The most entries to return.
   * @param maxBytes As for `read`.
   * @returns undefined when the cursor is unknown or of another epoch.
   */
  readBack(
    before: string | undefined,
    limit: number,
    maxBytes?: Bytes,
  ): MaybePromise<readonly LogEntry[] | undefined>;
}

/** A topic that has subscriptions. */
export interface TopicInfo {
  readonly topic: string;
  /** Subscription keys of this topic, over all clients. */
  readonly subscriptions: number;
}

/** A connected client, as operators and embedding apps see it. A copy: it does not change. */
export interface ClientInfo extends Principal {
  readonly clientId: string;
  /** The client's subscription keys, in the order in which they were added. */
  readonly subscriptions: readonly string[];
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** When the client last set its subscriptions or took a keep-alive comment, in milliseconds since 1970. */
  readonly lastActivityAt: number;
  /** Bytes that wait for the client. 0 on Workers, where the object that knows the client does not hold its stream. */
  readonly bufferedBytes: Bytes;
}

/** Counts of a `RealtimeManager`. A count is of the present, or since the manager was created where it says so. */
export interface ManagerStats {
  /** Connected clients. */
  readonly clients: number;
  /** Subscription keys over all clients. */
  readonly subscriptions: number;
  /** Distinct topics with subscriptions. */
  readonly topics: number;
  readonly keyBudget: KeyStats;
  /** Bytes that wait for clients. 0 on Workers, as `ClientInfo.bufferedBytes`. */
  readonly queuedBytes: Bytes;
  /** Clients that have connected, since the manager was created. */
  readonly connects: number;
  /** Messages written to clients, one for each client and key, since the manager was created. */
  readonly delivered: number;
  /** The part of `delivered` that came from the history. */
  readonly replayed: number;
  /** Resumes without a gap, since the manager was created. */
  readonly recovered: number;
  /** Resumes from a position that the history no longer has, since the manager was created. */
  readonly unrecovered: number;
  /** Removed clients by reason, since the manager was created. */
  readonly disconnects: Readonly<Record<CloseReason, number>>;
}

/** Details of a log line. Must hold neither message data nor credentials. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where log lines go: one method for each level. */
export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** Lines that could not be written, for the statistics of the service. Default 0. */
  readonly dropped?: number | undefined;
}
