/** The data types of the core and the interfaces that adapters implement. In one file, because they refer to each other. */
import type { KeyStats } from "./access/capacity.ts";
import type { Cursor } from "./cursor.ts";
import type { MemberInfo } from "./presence/presence.ts";
import type { Bytes, Seconds } from "./units.ts";

export type { LogFields, Logger } from "./logger.ts";

/**
 * Why a client was removed.
 *
 * - `client`: the client closed its connection or cancelled the stream
 * - `slow`: the client has not taken its bytes in time, and a limit on waiting bytes was exceeded (`maxBufferedBytes`, or the
 *   limits for all clients and for one address)
 * - `stale`: the client has taken none of its waiting bytes for `staleTimeout`, or its stream was aborted: the handshake was
 *   not sent in time, or middleware read the whole response
 * - `shutdown`: the server is stopping
 * - `lifetime`: the client is asked to reconnect, because its stream has reached `maxStreamWrites` or its hub was interrupted
 *   during a delivery
 * - `admin`: an operator or the embedding app disconnected the client
 * - `expired`: the client's credential has expired, and the client has sent no fresh credential within `authGrace`
 * - `revoked`: the client or its subject was revoked
 * - `error`: the stream, its connection to a hub, or a read of the history failed, or the client was refused while it
 *   connected (a limit, or an expired or revoked credential)
 */
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Every `CloseReason`, for counters that start at zero. */
export const CLOSE_REASONS = [
  "client",
  "slow",
  "stale",
  "shutdown",
  "lifetime",
  "admin",
  "expired",
  "revoked",
  "error",
] as const;

/** The core writes the frames of one open stream to a sink. Each runtime has its own implementation. */
export interface FrameSink {
  /**
   * Queues one whole frame: one or more SSE events or comments. Must not throw, block or return a promise, because other
   * clients wait for their frames meanwhile.
   *
   * @returns false when the client is too slow or gone. The core then removes the client.
   */
  write(frame: Uint8Array): boolean;
  /** Waiting bytes: bytes that were written to the sink and that the client has not taken yet. */
  readonly bufferedBytes: Bytes;
  /**
   * Calls `done` when the sink has no waiting bytes, immediately if it has none now. Must not call `done` twice, or after the
   * stream has ended. An adapter that hibernates can't keep the function. Such an adapter calls
   * `HibernationSupport.resumeReplay` instead.
   */
  onDrain(done: () => void): void;
  /** Ends the stream. May be called more than once; the first reason counts. */
  close(reason: CloseReason): void;
}

/** Maximum length of an identity, in characters. On Workers, an identity must fit into a socket's attachment of 16 KiB. */
export const MAX_IDENTITY = 1024;

/** Maximum number of patterns in a client's rights. */
export const MAX_RIGHTS = 100;

/** Maximum size of `Principal.auth` as JSON, in UTF-8. */
export const MAX_AUTH_RECORD: Bytes = 8192;

/** The sender of a request: its address and the contents of its credential. */
export interface Principal {
  /** The IP address. Undefined when the runtime does not provide it. */
  readonly ip?: string | undefined;
  /** A user's subject, 1 to `MAX_IDENTITY` characters; for the admin key, a fixed text. Undefined for a guest. */
  readonly identity?: string | undefined;
  /** Patterns of topics: `posts/1`, `posts/*` or `*`. The client receives the private messages of these topics. Default: none. */
  readonly rights?: readonly string[] | undefined;
  /**
   * The fields of `@request.auth` in rules and in the check of email visibility: the user's record, at most `MAX_AUTH_RECORD`
   * bytes as JSON. Its `id` is the identity, unless the user's record has another. Undefined for a guest and an administrator.
   */
  readonly auth?: Readonly<Record<string, unknown>> | undefined;
  /**
   * What other clients see of this identity in topics with presence: an object of at most `MAX_INFO` bytes as JSON. Undefined for a
   * guest. Default `{}`.
   */
  readonly info?: MemberInfo | undefined;
  /**
   * Whether the identity belongs to the stream and not to a credential. A later request without a credential then keeps the
   * stream's identity, rights, record and `info`. Default false.
   */
  readonly keepsIdentity?: boolean | undefined;
  /** Whether rules and hidden fields do not apply: the sender has the administrators' key. Default false. */
  readonly isAdmin?: boolean | undefined;
  /**
   * When the credential was issued, in milliseconds since 1970. A revocation covers all credentials that were issued up to its
   * time. Default 0: every revocation covers the credential.
   */
  readonly issuedAt?: number | undefined;
  /** When the credential expires, in milliseconds since 1970. Default: never. */
  readonly expiresAt?: number | undefined;
}

/** What to revoke: one open stream, or all streams and credentials of a subject. */
export type Revocation =
  | { readonly clientId: string }
  | {
      /** The identity of a token (`Principal.identity`). */
      readonly subject: string;
    };

/** Maximum number of messages of the history that a subscription may start with. */
export const MAX_LAST = 1000;

/** The position at which new subscription keys start. Default: they start with the next message that is published. */
export interface StartPosition {
  /** The id of the last event that the client received. The messages after it are replayed. */
  readonly lastEventId?: string | undefined;
  /**
   * Number of newest messages to replay for each key without a `last` option, 0 to `MAX_LAST`. Ignored if `lastEventId` is an
   * id of this log.
   */
  readonly last?: number | undefined;
}

/** Options of a whole stream, which a client sets when it connects. */
export interface StreamOptions {
  /** Whether the data of events is in an envelope. The option `envelope` of a subscription key takes precedence. Default false. */
  readonly envelope?: boolean | undefined;
}

/** A request that replaces a client's subscriptions. */
export interface SubscribeRequest extends Principal, StartPosition {
  /** Subscription keys. They replace all earlier keys of the client. Empty strings are ignored. */
  readonly subscriptions: readonly string[];
  /**
   * When the request arrived, in milliseconds since 1970; different for every request of a process. A request is ignored if a
   * request that arrived later has already been applied. Default: the request counts as the newest.
   */
  readonly arrivedAt?: number | undefined;
  /**
   * Whether the request that opened the stream had these subscriptions and no `Last-Event-ID`. `lastEventId` is then the
   * cursor at which the stream began. The client did not ask to resume, so it gets no PB_RESUME. Default false.
   */
  readonly isInitial?: boolean | undefined;
  /**
   * Whether the request had an expired credential, and is treated as the request of a guest. The client is then sent
   * PB_AUTH_EXPIRED. Default false.
   */
  readonly credentialEnded?: boolean | undefined;
}

/** A message that is ready for the log. `createMessage` creates it from a `PublishInput`. */
export interface Message {
  /**
   * Idempotency key. By default, the log remembers the newest 10,000 ids, each for five minutes (`RememberedIdLimits`). It does
   * not append a second message with a remembered id. The id of a user's message begins with the user's identity (`publisherOfId`).
   */
  readonly id: string;
  /** The topics that the message is published to. A record event has up to eight: two for each name of its collection. */
  readonly topics: readonly string[];
  /** The data of the event: one line of JSON. */
  readonly data: string;
  /** Only in a record event: a `RecordChange` as one line of JSON. Filters and rules need it. It is not sent to clients. */
  readonly change?: string | undefined;
  /** Whether only clients with a right to the topic receive the message. */
  readonly private: boolean;
  /** When this time has passed since `LogEntry.at`, the message is no longer replayed or listed. Default: no such limit. */
  readonly ttl?: Seconds | undefined;
  /** The W3C trace context of the message, as `parseTraceparent` returns it. Default: the message belongs to no trace. */
  readonly traceparent?: string | undefined;
}

/** A message in a log. */
export interface LogEntry {
  /** The position of the message in the log, from which a client can resume: opaque and unique. */
  readonly cursor: string;
  /** When the log accepted the message, in milliseconds since 1970. */
  readonly at: number;
  readonly message: Message;
}

/**
 * Called with new entries of a log: each entry once, in the order of the log. Must not throw. If the listener returns a promise,
 * a log over several processes waits for it before it calls the listener again.
 */
export type TailListener = (entries: readonly LogEntry[]) => unknown;

/**
 * A break in the messages that a tail listener receives. The log has lost messages that the listener has received, because the
 * sequencer of several processes was restored to an earlier state, or the listener will not receive some messages, because the
 * process was cut off from the sequencer for too long. The log continues after `LogReader.cursor`.
 */
export interface LogGap {
  /** Sequence up to which earlier positions are still positions of this log. */
  readonly validTo: number;
}

/** Called at a break, after the listener has received all messages before it. Must not throw. */
export type GapListener = (gap: LogGap) => void;

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** The messages that one read of a log has returned. */
export interface LogPage {
  /** In the order of the read. Erased messages, and those past their `ttl`, are left out. */
  readonly entries: readonly LogEntry[];
  /**
   * How far the log was read. After `read`, `entries` has every message of the requested topics up to this sequence. After
   * `readBack`, it has every such message from this sequence on; 0 means that the log has no older ones.
   */
  readonly end: number;
  /**
   * Sequence of the newest message that the log has dropped because of its limits; 0 if there is none. The log has all later
   * messages. Of the messages up to this one, it has only those that topic rules keep.
   */
  readonly trimmedTo: number;
}

/** The methods of a log that delivery, replay and history use. `MessageLog` adds the methods that write. */
export interface LogReader {
  /** Whether the log keeps messages that can be read later. False when one of its history limits is 0 and no rule keeps any. */
  readonly keepsHistory: boolean;
  /**
   * Calls `listener` with the messages that this or another process appends from now on.
   *
   * @param onGap Called when the messages are interrupted. Only a log over several processes calls it.
   * @returns A function that removes both listeners.
   */
  tail(listener: TailListener, onGap?: GapListener): () => void;
  /** The cursor of the newest message that the tail listeners have received. In a new log, the position before all messages. */
  cursor(): string;
  /**
   * Whether a cursor names a position that this log has reached. False for a cursor of another log, and for a position in an
   * epoch whose newest messages are lost. The messages after the position may have been trimmed (`LogPage.trimmedTo`).
   */
  hasReached(cursor: Cursor): boolean;
  /**
   * Waits until this process has received a message that another process has already received, at most two seconds. Returns at
   * once for a cursor that the log does not know. Call it before `hasReached` and reads. Omit the method for a log of one process.
   */
  catchUp?(cursor: Cursor): MaybePromise<void>;
  /**
   * Reads entries after a cursor, oldest first. Takes O(log n) steps to find the cursor.
   *
   * @param after Undefined starts at the oldest entry of the log.
   * @param limit Maximum number of entries.
   * @param maxBytes Maximum size of the entries together. The first entry is returned whatever its size. Default: no limit.
   * @param topics Topics and patterns. The log may leave out messages that match none of them. Default: all messages.
   * @returns undefined when the cursor is unknown (`hasReached`).
   */
  read(
    after: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): MaybePromise<LogPage | undefined>;
  /**
   * Reads entries before a cursor, newest first.
   *
   * @param before Undefined starts at the newest entry. May be the position after the newest entry.
   * @param limit Maximum number of entries.
   * @param maxBytes As for `read`.
   * @param topics As for `read`.
   * @returns undefined when the cursor is unknown.
   */
  readBack(
    before: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): MaybePromise<LogPage | undefined>;
}

/** A topic that has subscriptions. */
export interface TopicInfo {
  readonly topic: string;
  /** Number of subscription keys with this topic, over all clients. */
  readonly subscriptions: number;
  /** Number of members. Only of a topic with presence (`TopicRule.presence`). */
  readonly members?: number | undefined;
  /** Number of guests. Only of a topic with presence. */
  readonly guests?: number | undefined;
}

/**
 * A description of a connected client, for operators and embedding apps. It is a copy, so it does not change. It has no auth
 * record and no `info`, because both may have personal data.
 */
export interface ClientInfo extends Omit<Principal, "auth" | "isAdmin" | "info" | "keepsIdentity"> {
  readonly clientId: string;
  /** The client's subscription keys, in the order in which they were added. */
  readonly subscriptions: readonly string[];
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** When the client last connected, set its subscriptions, or was sent a ping, in milliseconds since 1970. */
  readonly lastActivityAt: number;
  /** The client's waiting bytes. 0 on Workers: the Durable Object with the client does not have its stream. */
  readonly bufferedBytes: Bytes;
}

/** Statistics of a `RealtimeManager`: current numbers, and totals since the manager was created. */
export interface ManagerStats {
  /** Number of connected clients now. */
  readonly clients: number;
  /** Number of subscription keys over all clients now. */
  readonly subscriptions: number;
  /** Number of distinct topics with subscriptions now. */
  readonly topics: number;
  readonly keyBudget: KeyStats;
  /** Waiting bytes of all clients now. 0 on Workers, as `ClientInfo.bufferedBytes`. */
  readonly queuedBytes: Bytes;
  /** Total of clients that have connected. */
  readonly connects: number;
  /** Total of messages written to clients. A message counts once for each client and key. */
  readonly delivered: number;
  /** The part of `delivered` that was read from the history. */
  readonly replayed: number;
  /** Total of resumes in which the client received every message that it had missed. */
  readonly recovered: number;
  /** Total of clients that were told that they have missed messages (PB_RESUME with `recovered: false`). */
  readonly unrecovered: number;
  /** Total of removed clients by reason. */
  readonly disconnects: Readonly<Record<CloseReason, number>>;
}
