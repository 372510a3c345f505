/**
 * The limits of the HTTP API and the defaults of all options. The limits that an option sets come first, then the fixed ones.
 *
 * Limits of other folders are defined next to what they limit: the history and remembered ids (`log/log.ts`), rights, identities and
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
   * How often one address (`networkOf`) may open a stream, set subscriptions, read the history, and send a token to
   * introspection, each per second. Each of the four has its own count. The burst is ten seconds' worth; for streams and subscriptions it is at least
   * `maxClientsPerAddress`. Has no effect where the runtime does not know the client's
   * address. 0 also turns off the delay of repeated refusals. Default 100.
   */
  readonly connectsPerSecond: number;
  /**
   * Messages that one identity publishes per second. The burst is ten seconds' worth or `maxBatch`, whichever is more. The
   * admin key has no limit. Default 10.
   */
  readonly publishesPerSecond: number;
  /**
   * How many invalid credentials per second one address (`networkOf`) may send, before further ones are answered with 429. The
   * burst is ten seconds' worth. Default 20.
   */
  readonly failuresPerSecond: number;
  /**
   * Bytes of data, topics and ids that one identity publishes per second. The burst is ten seconds' worth or `maxBodyBytes`,
   * whichever is more. The admin key has no limit. Default 50,000.
   */
  readonly publishBytesPerSecond: Bytes;
  /**
   * Messages of the history that the reads of one address (`networkOf`) scan per second. The burst is ten seconds' worth. A
   * read that has begun completes. Later reads are refused until the rate has made up for its cost. Default 50,000.
   */
  readonly historyScanPerSecond: number;
}

/** Limits of streams. */
export interface StreamLimits {
  /** Time between two pings. More than 0. Default 30,000. */
  readonly pingInterval: Milliseconds;
  /** Time after which a client that has not read a pending ping or event is disconnected. More than 0. Default 90,000. */
  readonly staleTimeout: Milliseconds;
  /**
   * Time within which the response head and the handshake must be sent. Middleware of the host app may hold them back, and a
   * stream that takes longer is aborted. On Bun and Workers, a response that such middleware reads counts as sent. A value above
   * `staleTimeout` is lowered to `staleTimeout`. Default 10,000.
   */
  readonly handshakeTimeout: Milliseconds;
  /** Bytes that may wait for one client. Beyond them the client is disconnected as too slow. Default 1 MiB. */
  readonly maxBufferedBytes: Bytes;
  /**
   * Bytes that may wait for all clients together. Beyond them the streams with the most waiting bytes are aborted. Bytes
   * that several clients wait for count once. 0 is no limit. Default 256 MiB.
   */
  readonly maxWaitingBytes: Bytes;
  /** Bytes that may wait for the clients of one address (`networkOf`). 0 is no limit. Default 64 MiB. */
  readonly maxWaitingBytesPerAddress: Bytes;
  /**
   * Number of writes after which a stream ends and its client reconnects. Meant for runtimes that end a request after a certain
   * CPU time. 0 is no limit. Default 0.
   */
  readonly maxStreamWrites: number;
}

/** All limits of a server, after `withDefaults` has filled in the defaults. */
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
  // `maxSubscriptions` and `maxTopicLength` are PocketBase's (apis/realtime.go, `realtimeSubscribeForm`).
  maxSubscriptions: 1000,
  maxTopicLength: 2500,
  maxBatch: 1000,
  maxMessageBytes: 256 * 1024,
  connectsPerSecond: 100,
  // In the five minutes of the default history, one identity can publish 4,000 of its 10,000 messages and 16 of its 32 MiB,
  // bursts included: less than half.
  publishesPerSecond: 10,
  publishBytesPerSecond: 50_000,
  // Enough to read the whole default history five times per second.
  historyScanPerSecond: 50_000,
  failuresPerSecond: 20,
  pingInterval: 30_000,
  // Three intervals between pings.
  staleTimeout: 90_000,
  handshakeTimeout: 10_000,
  maxBufferedBytes: 1024 * 1024,
  maxWaitingBytes: 256 * 1024 * 1024,
  maxWaitingBytesPerAddress: 64 * 1024 * 1024,
  maxStreamWrites: 0,
  maxClients: 50_000,
  maxClientsPerAddress: 1000,
  // A key takes about 400 bytes of memory besides its characters. All keys take 200 MB, and their characters up to 128 MB: both
  // fit into a heap of 512 MB.
  maxKeys: 500_000,
  maxKeysPerAddress: 100_000,
  maxKeyCharacters: 64 * 1024 * 1024,
  maxKeyCharactersPerAddress: 16 * 1024 * 1024,
  authGrace: DEFAULT_AUTH_GRACE,
};

/** The default of each setting that has one, the limits included. */
export const DEFAULTS: ServerLimits & {
  /** `origins` and `metrics` are defaults of `startServer` only. An app that mounts `createServer` has its own policy. */
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
export function withDefaults(options: Some<ServerLimits>): ServerLimits {
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

/** Length of an event id or cursor in a request. A client id is also an event id, and no event id is longer. */
export const MAX_EVENT_ID: number = MAX_CLIENT_ID;

/** Length of all subscription keys of one client together: the service keeps them in memory. */
export const MAX_KEYS_LENGTH = 131_072;

/** Length of a message's id, and of the collection and record id of a record event. */
export const MAX_MESSAGE_ID = 255;

/** Levels of a topic (`a/b/c` has three): each is one look-up of the clients that get a message. */
export const MAX_TOPIC_LEVELS = 100;

/** Messages on a page of the history. */
export const HISTORY_PAGE: { readonly default: number; readonly max: number } = {
  default: 100,
  max: 1000,
};

/** Length of the parameter `after` of a list of clients or topics: a client id or a topic. */
export const MAX_PAGE_AFTER = 10_000;

/** The request bodies of one network that are being read may together have this many times `maxBodyBytes`. */
export const BODIES_IN_PROGRESS = 16;

/** The burst of a rate limit, in seconds of its rate. */
export const BURST_SECONDS = 10;
