/**
 * The words of the core. Everything here is data or the shape of a sink; nothing is imported.
 */

/**
 * Why a client was removed.
 *
 * - `client`: its socket closed, or it cancelled the stream
 * - `slow`: more than `maxBufferedBytes` were waiting for it
 * - `stale`: nothing it was sent had drained for `staleTimeout`
 * - `shutdown`: this server is stopping
 * - `lifetime`: the stream has had as many writes as one may have; its client is asked to come back at once
 * - `admin`: an operator or the embedding app asked for it
 * - `expired`: its credential has expired, and no fresh one came within the grace
 * - `revoked`: its subject, or the client itself, was revoked
 * - `error`: the stream's handler failed; the log says how
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

/** Every reason, for counters that start at zero. */
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

/** One open stream, as the core sees it. */
export interface FrameSink {
  /**
   * Queues one whole frame. False when the client is not keeping up or is gone: the caller removes it.
   * Never throws, never returns a promise, never keeps another client waiting.
   */
  write(frame: Uint8Array): boolean;
  /** Bytes accepted and not yet taken by the runtime. */
  readonly bufferedBytes: number;
  /**
   * Calls `taken` once, when everything written so far has been taken, be it at once; never after the end.
   * A sink whose owner may forget its functions meanwhile does without, and its owner calls
   * `RealtimeManager.proceed` then.
   */
  onDrain(taken: () => void): void;
  /** The core is done with this stream. Safe to call more than once; the first reason stays. */
  close(reason: CloseReason): void;
}

/** Characters of an identity: on Workers it is kept with a socket, where 16 KiB in all have room. */
export const MAX_IDENTITY = 1024;

/** What is known of whoever sends a request. */
export interface Principal {
  /** Network address, if the runtime tells. */
  readonly ip?: string | undefined;
  /** Who they are; undefined is a guest. */
  readonly identity?: string | undefined;
  /** Patterns of the topics whose private messages they may have. Default: none. */
  readonly rights?: readonly string[] | undefined;
  /** When the credential was made, in milliseconds since 1970: a revocation counts for what is older than itself. */
  readonly issuedAt?: number | undefined;
  /** When the credential ends, in milliseconds since 1970. Default: never. */
  readonly expiresAt?: number | undefined;
}

/** Whom to revoke: one open stream, or somebody with all streams and credentials they have. */
export type Revocation =
  | { readonly clientId: string }
  | {
      /** An identity. */
      readonly subject: string;
    };

/** Most patterns in a list of rights: each is looked at for each key that is set. */
export const MAX_RIGHTS = 100;

/** The options of a subscription key, normalised as PocketBase does (tools/subscriptions/client.go, `Subscribe`). */
export interface SubscriptionOptions {
  /** Query parameters; every value is a string. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers, names in snake case (`X-Token` is `x_token`); every value is a string. */
  readonly headers: Readonly<Record<string, string>>;
  /** `last`, or `last` in the query: how many of the newest messages to begin with, 1 to `MAX_LAST`. Ours, not PocketBase's. */
  readonly last?: number | undefined;
}

/** Most of the newest messages that a key may begin with. */
export const MAX_LAST = 1000;

/** A subscription key, taken apart. */
export interface SubscriptionKey {
  /** The whole key as the client sent it: the event name of its deliveries. */
  readonly key: string;
  /** The key without its options: a topic, `prefix/*` or `*`. */
  readonly topic: string;
  readonly options: SubscriptionOptions;
}

/** Where the keys that a client did not have before begin. By default with what is published from now on. */
export interface StartPosition {
  /** The id of the last event that the client has: everything after it comes first. */
  readonly lastEventId?: string | undefined;
  /** Without a place to go on from: how many of each key's newest messages come first, 0 to `MAX_LAST`. */
  readonly last?: number | undefined;
}

/** A new set of subscriptions for one client. */
export interface SubscribeRequest extends Principal, StartPosition {
  /** Subscription keys. They replace the client's set; empty strings are ignored. */
  readonly subscriptions: readonly string[];
  /**
   * When the request arrived, in milliseconds since 1970 and unlike that of any other request of this process. A request
   * that arrived before one that was applied already changes nothing. Default: it is the newest.
   */
  readonly arrivedAt?: number | undefined;
  /** `lastEventId` is where the stream began, and its client did not ask how that went: no PB_RESUME. Default false. */
  readonly isInitial?: boolean | undefined;
  /** The request came with a credential that has ended, and counts as a guest's. The client is told. Default false. */
  readonly credentialEnded?: boolean | undefined;
}

/** One message, ready for the log. `createMessage` makes them from what a backend posts. */
export interface Message {
  /** Idempotence key: the log accepts it once. 1 to 255 characters. */
  readonly id: string;
  /** Every topic it is published to: one, or for a record event up to six names of one record. */
  readonly topics: readonly string[];
  /** The event's data: one line of JSON. */
  readonly data: string;
  /** Only for clients with a right to the topic. */
  readonly private: boolean;
}

/** A message with its place in a log. */
export interface LogEntry {
  /** The place: opaque, unique, of use to resume from. */
  readonly cursor: string;
  /** When the log took it, in milliseconds since 1970. */
  readonly at: number;
  readonly message: Message;
}

/** Gets entries in the log's order, each once. Must not throw. */
export type TailListener = (entries: readonly LogEntry[]) => void;

export type MaybePromise<T> = T | Promise<T>;

/** A log as far as it is read: what delivery, resuming and the history need. `log/log.ts` has the rest. */
export interface LogReader {
  /** Whether there is a history to read: not when a limit of it is 0. */
  readonly keepsHistory: boolean;
  /** Calls `listener` for everything appended from now on, by this process or another. Returns how to stop. */
  tail(listener: TailListener): () => void;
  /** The place behind the newest message the tail has seen: what comes after it is yet to be delivered here. */
  cursor(): string;
  /**
   * At most `limit` entries after a cursor, oldest first; from the oldest kept when `after` is undefined.
   * Fewer when they would take more than `maxBytes` (default: any number), but one if there is one.
   * Undefined when the cursor is unknown, from another life of the log, or something after it was
   * already trimmed: then a reader can't know what it missed. Finds the place in O(log n) at worst.
   */
  read(
    after: string | undefined,
    limit: number,
    maxBytes?: number,
  ): MaybePromise<readonly LogEntry[] | undefined>;
  /**
   * The same the other way: entries before a cursor, newest first; from the newest when `before` is undefined.
   * Ends where the history begins. Undefined when the cursor is unknown or from another life.
   */
  readBack(
    before: string | undefined,
    limit: number,
    maxBytes?: number,
  ): MaybePromise<readonly LogEntry[] | undefined>;
}

/** A topic that somebody subscribes to. */
export interface TopicInfo {
  readonly topic: string;
  /** Subscription keys of it, over all clients. */
  readonly subscriptions: number;
}

/** One client as operators and embedding apps see it. */
export interface ClientInfo extends Principal {
  readonly clientId: string;
  readonly subscriptions: readonly string[];
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** When it last showed life (a POST, or a keep-alive that drained), in milliseconds since 1970. */
  readonly lastActivityAt: number;
  readonly bufferedBytes: number;
}

/** What the keys of one client take in memory. */
export interface KeyCost {
  /** Each key, and each topic that rights cover of a key: private messages are looked up by those. */
  readonly keys: number;
  /** Of the keys, in UTF-16 code units. */
  readonly characters: number;
}

/** How much of the budget of subscription keys is used. */
export interface KeyStats {
  /** Each client's keys, and each topic that rights cover of a key, now. */
  readonly used: number;
  /** How many there may be; 0 is any number. */
  readonly limit: number;
  /** Characters of these keys, now. */
  readonly characters: number;
  readonly charactersLimit: number;
  /** Requests that were refused because the budget of an address or of all was used up. */
  readonly refused: number;
}

/** Counts of the core, since it was made. */
export interface ManagerStats {
  /** Connected clients, now. */
  readonly clients: number;
  /** Subscription keys over all clients, now. */
  readonly subscriptions: number;
  /** Distinct topics subscribed to, now. */
  readonly topics: number;
  readonly keyBudget: KeyStats;
  /** Bytes that wait for clients to take them, now; on Workers those wait where the stream is, and are not known. */
  readonly queuedBytes: number;
  /** Clients taken in. */
  readonly connects: number;
  /** Published messages handed to clients: one for each client and key. */
  readonly delivered: number;
  /** Those of them that came from the history. */
  readonly replayed: number;
  /** Resumes that missed nothing. */
  readonly recovered: number;
  /** Resumes from a place that the history does not have. */
  readonly unrecovered: number;
  /** Clients removed, by reason. */
  readonly disconnects: Readonly<Record<CloseReason, number>>;
}

/** Details of a log line. Never message data, never a credential. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where log lines go. */
export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** Lines that could not be written, for the service's stats. Default: unknown, which counts as 0. */
  readonly dropped?: number | undefined;
}
