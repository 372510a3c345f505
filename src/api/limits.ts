/**
 * Every limit of the HTTP API and every default, each stated once. What can be configured stands first, then what is fixed.
 *
 * Limits of other rooms stay with what they limit: the history and remembered ids (`log/log.ts`), rights, identities and
 * `last` (`realtime/types.ts`), pages of clients and topics (`registry/paging.ts`), reconnect times (`stream/retry.ts`).
 */
import { DEFAULT_HISTORY, type HistoryLimits } from "../log/log.ts";
import type { CapacityLimits } from "../realtime/access/capacity.ts";
import { DEFAULT_AUTH_GRACE } from "../realtime/manager-options.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { DEFAULT_CACHE_TIME } from "./auth/introspection.ts";
import { DEFAULT_CLOCK_SKEW } from "./auth/token-options.ts";

/** Limits of requests. Lengths count UTF-16 code units, as JavaScript does. A rate of 0 is no limit. */
export interface RequestLimits {
  /** Size of a request body. Default 1 MiB. */
  readonly maxBodyBytes: Bytes;
  /** Time in which a request body must arrive. Default 30,000. */
  readonly requestTimeout: Milliseconds;
  /** Subscription keys of one client. At least 1; at most 1,000 on Workers. Default 1,000. */
  readonly maxSubscriptions: number;
  /** Length of a topic or subscription key. At least 1. Default 2,500. */
  readonly maxTopicLength: number;
  /** Messages in one batch. At least 1. Default 1,000. */
  readonly maxBatch: number;
  /** Size of one message's data as JSON. Default 256 KiB. */
  readonly maxMessageBytes: Bytes;
  /**
   * Streams opened, subscriptions set, histories read and tokens sent to introspection per second, each counted separately
   * for each address (`networkOf`). The burst is ten seconds' worth; for streams and subscriptions it is at least
   * `maxClientsPerAddress`. Without an effect where the runtime does not know the client's address. Default 100.
   */
  readonly connectsPerSecond: number;
  /**
   * Messages that one identity publishes per second. The burst is ten seconds' worth or `maxBatch`, whichever is more. The
   * admin key has no limit. Default 10.
   */
  readonly publishesPerSecond: number;
  /** Credentials of one address (`networkOf`) that are refused per second. The burst is ten seconds' worth. Default 20. */
  readonly failuresPerSecond: number;
  /**
   * Bytes of data, topics and ids that one identity publishes per second. The burst is ten seconds' worth or `maxBodyBytes`,
   * whichever is more. The admin key has no limit. Default 50,000.
   */
  readonly publishBytesPerSecond: Bytes;
  /**
   * Messages of the history that the reads of one address (`networkOf`) scan per second. The burst is ten seconds' worth. A
   * read that has begun completes, and later reads wait until its cost is paid off. Default 50,000.
   */
  readonly historyScanPerSecond: number;
}

/** Limits of streams. */
export interface StreamLimits {
  /** Time between two keep-alive comments. More than 0. Default 30,000. */
  readonly pingInterval: Milliseconds;
  /** Time after which a client that has not read a pending ping or event is disconnected. More than 0. Default 90,000. */
  readonly staleTimeout: Milliseconds;
  /**
   * Time in which the response head and the handshake must leave, since middleware in front may hold back the response. A
   * stream that takes longer is aborted. Bun and Workers don't report when a response that middleware reads has left. At most
   * `staleTimeout`, which replaces a larger value. Default 10,000.
   */
  readonly handshakeTimeout: Milliseconds;
  /** Bytes that may wait for one client. Beyond them the client is disconnected as too slow. Default 1 MiB. */
  readonly maxBufferedBytes: Bytes;
  /**
   * Bytes that may wait for all clients together. Beyond them the streams with the most waiting bytes are aborted. A chunk
   * that waits for several clients counts once. 0 is no limit. Default 256 MiB.
   */
  readonly maxWaitingBytes: Bytes;
  /** Bytes that may wait for the clients of one address (`networkOf`). 0 is no limit. Default 64 MiB. */
  readonly maxWaitingBytesPerAddress: Bytes;
  /**
   * Writes to one stream, after which the stream ends and its client reconnects: for runtimes that end a request after a
   * certain CPU time. 0 is no limit. Default 0.
   */
  readonly maxStreamWrites: number;
}

/** The limits of a server, with the default for each that the options leave out. */
export interface ServerLimits
  extends RequestLimits,
    StreamLimits,
    Readonly<Record<keyof CapacityLimits, number>> {
  /** Time for which a stream stays open, without rights, after its credential has expired. Default 10,000. */
  readonly authGrace: Milliseconds;
}

/** Some of the settings `T`. A setting that is undefined counts as left out. */
export type Some<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** The default of each limit. */
export const DEFAULT_LIMITS: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  requestTimeout: 30_000,
  // As in PocketBase (apis/realtime.go, `realtimeSubscribeForm`), and so is `maxTopicLength`.
  maxSubscriptions: 1000,
  maxTopicLength: 2500,
  maxBatch: 1000,
  maxMessageBytes: 256 * 1024,
  connectsPerSecond: 100,
  // With its burst of 1,000 messages, one identity fills less than half of the default history. So it does with its bytes.
  publishesPerSecond: 10,
  publishBytesPerSecond: 50_000,
  // Five whole histories of the default length.
  historyScanPerSecond: 50_000,
  failuresPerSecond: 20,
  pingInterval: 30_000,
  // Three pings.
  staleTimeout: 90_000,
  handshakeTimeout: 10_000,
  maxBufferedBytes: 1024 * 1024,
  maxWaitingBytes: 256 * 1024 * 1024,
  maxWaitingBytesPerAddress: 64 * 1024 * 1024,
  maxStreamWrites: 0,
  maxClients: 50_000,
  maxClientsPerAddress: 1000,
  // A key takes about 400 bytes of memory besides its characters. All keys together leave room in a heap of 512 MB.
  maxKeys: 500_000,
  maxKeysPerAddress: 100_000,
  maxKeyCharacters: 64 * 1024 * 1024,
  maxKeyCharactersPerAddress: 16 * 1024 * 1024,
  authGrace: DEFAULT_AUTH_GRACE,
};

/** The default of each setting that has one, the limits included. */
export const DEFAULTS: ServerLimits & {
  /** Of a service of its own. An app that mounts `createServer` has a CORS policy and metrics of its own. */
  readonly origins: readonly string[];
  readonly metrics: "admin" | "open" | "off";
  readonly history: HistoryLimits;
  /** Time in which streams and requests must end when the process stops. */
  readonly drainTimeout: Milliseconds;
  /** Difference that the clocks of the service and of a token's issuer may have. */
  readonly clockSkew: Milliseconds;
  /** Time for which an answer of the introspection endpoint is reused. */
  readonly cacheTime: Milliseconds;
} = {
  ...DEFAULT_LIMITS,
  origins: ["*"],
  metrics: "admin",
  history: DEFAULT_HISTORY,
  drainTimeout: 10_000,
  clockSkew: DEFAULT_CLOCK_SKEW,
  cacheTime: DEFAULT_CACHE_TIME,
};

/** The limits that the options set, and the defaults for the rest. */
export function limitsOf(options: Some<ServerLimits>): ServerLimits {
  const limits: Record<keyof ServerLimits, number> = { ...DEFAULT_LIMITS };
  // `Object.keys` is typed as `string[]` for every object.
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof ServerLimits)[]) {
    limits[name] = options[name] ?? limits[name];
  }
  limits.handshakeTimeout = Math.min(limits.handshakeTimeout, limits.staleTimeout);
  return limits;
}

/** Length of a client id in a request, as in PocketBase (apis/realtime.go, `realtimeSubscribeForm`). */
export const MAX_CLIENT_ID = 255;

/** Length of an event id or cursor in a request. A client id is an event id as well, and the longest. */
export const MAX_EVENT_ID: number = MAX_CLIENT_ID;

/** Length of all subscription keys of one client together: the service keeps them in memory. */
export const MAX_KEYS_LENGTH = 131_072;

/** Length of a message's id, and of the collection and record id of a record event. */
export const MAX_MESSAGE_NAME = 255;

/** Levels of a topic (`a/b/c` has three): each is one look-up of the clients that get a message. */
export const MAX_TOPIC_LEVELS = 100;

/** Messages on a page of the history. */
export const HISTORY_PAGE: { readonly default: number; readonly most: number } = {
  default: 100,
  most: 1000,
};

/** Length of `after` in a list of clients or topics. It holds a topic or a client id. */
export const MAX_PAGE_CURSOR = 10_000;

/** Bodies of the largest size whose bytes one network (`networkOf`) may have in progress at a time. */
export const BODIES_IN_PROGRESS = 16;

/** Seconds' worth of a rate that a key which was idle may use at once. */
export const BURST_SECONDS = 10;
