/**
 * The limits of the HTTP API and the defaults of the options. Limits that can be configured come first, then fixed limits.
 *
 * A limit of one address counts an IPv4 address, or all IPv6 addresses with the same first 64 bits (`networkOf` in
 * `realtime/access/ip-address.ts`).
 *
 * Limits of other folders are declared in those folders: the history and remembered ids (`log/log.ts`), rights, identities and
 * `last` (`realtime/types.ts`), pages of clients and topics (`registry/paging.ts`), reconnect times (`stream/retry.ts`).
 */
import {
  DEFAULT_HISTORY,
  DEFAULT_KEPT,
  DEFAULT_REMEMBERED_IDS,
  type HistoryLimits,
  type RememberedIdLimits,
} from "../log/log.ts";
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
  /** Size of one message's data as JSON, for a record event including the collection and `previous`. Default 256 KiB. */
  readonly maxMessageBytes: Bytes;
  /**
   * Requests of one address (`networkOf`) per second. Four kinds count separately: opening a stream, setting subscriptions,
   * reading the history or members, and checking a token by introspection. The burst is ten seconds' worth; for streams and subscriptions
   * it is at least `maxClientsPerAddress`, unless that is 0. Has no effect where the runtime does not know the client's
   * address. Default 100.
   */
  readonly connectsPerSecond: number;
  /**
   * Messages that one identity publishes per second. All guests of one address (`networkOf`) count as one identity. The burst
   * is ten seconds' worth or `maxBatch`, whichever is more. The admin key has no limit. Default 10.
   */
  readonly publishesPerSecond: number;
  /**
   * Refused credentials of one address (`networkOf`) per second. Above this rate, requests with credentials are refused, unless
   * the address has used the credential successfully before. The burst is ten seconds' worth. Default 20.
   */
  readonly failuresPerSecond: number;
  /**
   * Bytes of messages (`messageSize` in `log/log.ts`) that one identity publishes per second. All guests of one address
   * (`networkOf`) count as one identity. The burst is ten seconds' worth or `maxBodyBytes`, whichever is more. The admin key
   * has no limit. Default 50,000.
   */
  readonly publishBytesPerSecond: Bytes;
  /**
   * Requests of one identity that change its info in topics (`POST /api/realtime/presence`), per second. The burst is ten seconds'
   * worth. Default 10.
   */
  readonly presenceUpdatesPerSecond: number;
  /**
   * Messages of the history that the reads of one address (`networkOf`) scan per second. The burst is ten seconds' worth. A
   * read that has begun always completes. If a read costs more than was left, later reads are refused until the rate has made
   * up for the excess. Default 50,000.
   */
  readonly historyScanPerSecond: number;
}

/** Limits of streams. */
export interface StreamLimits {
  /** Time between two pings (comments that keep the stream open). More than 0. Default 30,000. */
  readonly pingInterval: Milliseconds;
  /** Time after which a client is disconnected if it has not read a pending ping or event. More than 0. Default 90,000. */
  readonly staleTimeout: Milliseconds;
  /**
   * Time in which the response head and the handshake must be sent. Middleware may hold back the response; a stream that takes
   * longer is aborted. Has no effect on Bun and Workers if middleware reads the response, because they don't report when such a
   * response was sent. A value above `staleTimeout` is lowered to `staleTimeout`. Default 10,000.
   */
  readonly handshakeTimeout: Milliseconds;
  /**
   * Waiting bytes (that a client has not taken yet) of one client. A client with more is disconnected as too slow. Default
   * 1 MiB.
   */
  readonly maxBufferedBytes: Bytes;
  /**
   * Waiting bytes of all clients together. Above this limit, the streams with the most waiting bytes are aborted. A frame that
   * waits for several clients counts once. 0 is no limit. Default 256 MiB.
   */
  readonly maxWaitingBytes: Bytes;
  /** As `maxWaitingBytes`, for the clients of one address (`networkOf`). 0 is no limit. Default 64 MiB. */
  readonly maxWaitingBytesPerAddress: Bytes;
  /**
   * Number of writes after the handshake with which a stream ends and its client is asked to reconnect. Set it on runtimes that
   * limit the CPU time of a request. 0 is no limit. Default 0.
   */
  readonly maxStreamWrites: number;
}

/** All limits of a server. Limits that the options leave out have their default. */
export interface ServerLimits
  extends RequestLimits,
    StreamLimits,
    Readonly<Record<keyof CapacityLimits, number>> {
  /** Time for which a stream stays open, without rights, after its credential has expired. Default 10,000. */
  readonly authGrace: Milliseconds;
  /** Maximum size of all messages that the log keeps by `TopicRule.keep` (`KeptLimits.bytes`). 0 keeps none. Default 64 MiB. */
  readonly keptBytes: Bytes;
  /** Maximum number of topics with such messages. 0 keeps none. Default 100,000. */
  readonly keptTopics: number;
}

/** Some of the settings `T`. A setting that is undefined counts as left out. */
export type Some<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** The default of each limit. */
export const DEFAULT_LIMITS: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  requestTimeout: 30_000,
  // `maxSubscriptions` and `maxTopicLength` are as in PocketBase (apis/realtime.go, `realtimeSubscribeForm`).
  maxSubscriptions: 1000,
  maxTopicLength: 2500,
  maxBatch: 1000,
  maxMessageBytes: 256 * 1024,
  connectsPerSecond: 100,
  // The default history keeps 10,000 messages and 32 MiB for 300 s. In that time, one identity can publish 4,000 messages and
  // 16 MB, bursts included, which is less than half of either.
  publishesPerSecond: 10,
  publishBytesPerSecond: 50_000,
  presenceUpdatesPerSecond: 10,
  // Enough to scan the default history five times per second.
  historyScanPerSecond: 50_000,
  failuresPerSecond: 20,
  pingInterval: 30_000,
  // Three times `pingInterval`.
  staleTimeout: 90_000,
  handshakeTimeout: 10_000,
  maxBufferedBytes: 1024 * 1024,
  maxWaitingBytes: 256 * 1024 * 1024,
  maxWaitingBytesPerAddress: 64 * 1024 * 1024,
  maxStreamWrites: 0,
  maxClients: 50_000,
  maxClientsPerAddress: 1000,
  // A key takes about 400 bytes of memory besides its characters. At the limits, all keys take about 330 MB, which fits into a
  // heap of 512 MB.
  maxKeys: 500_000,
  maxKeysPerAddress: 100_000,
  maxKeyCharacters: 64 * 1024 * 1024,
  maxKeyCharactersPerAddress: 16 * 1024 * 1024,
  authGrace: DEFAULT_AUTH_GRACE,
  keptBytes: DEFAULT_KEPT.bytes,
  keptTopics: DEFAULT_KEPT.topics,
};

/** The defaults of the limits and of the settings below. */
export const DEFAULTS: ServerLimits & {
  /** `origins` and `metrics` are defaults of the standalone service. `createServer` leaves both to the app that mounts it. */
  readonly origins: readonly string[];
  readonly metrics: "admin" | "open" | "off";
  readonly history: HistoryLimits;
  readonly rememberedIds: RememberedIdLimits;
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
  rememberedIds: DEFAULT_REMEMBERED_IDS,
  drainTimeout: 10_000,
  clockSkew: DEFAULT_CLOCK_SKEW,
  cacheTime: DEFAULT_CACHE_TIME,
};

/** Returns the limits of the options, with the default for each limit that the options leave out. */
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

/** Length of an event id or cursor in a request. The client id is the event id of PB_CONNECT, and no event id is longer. */
export const MAX_EVENT_ID: number = MAX_CLIENT_ID;

/** Length of all subscription keys of one client together: the service keeps them in memory. */
export const MAX_KEYS_LENGTH = 131_072;

/** Length of a message's id, and of a record event's collection and record id. */
export const MAX_MESSAGE_ID = 255;

/** Length of a field's name in the description of a collection. */
export const MAX_FIELD_NAME = 255;

/** Levels of a topic (`a/b/c` has three). A publish looks up subscribers once for each level, and once for `*`. */
export const MAX_TOPIC_LEVELS = 100;

/** Messages on a page of the history. */
export const HISTORY_PAGE: { readonly default: number; readonly max: number } = {
  default: 100,
  max: 1000,
};

/** Length of the parameter `after` of a list. Its value is a topic or a client id. */
export const MAX_LIST_AFTER = 10_000;

/** The bodies that one network (`networkOf`) sends at a time may together have this many times `maxBodyBytes`. */
export const BODIES_IN_PROGRESS = 16;

/** The burst of a rate limit, in seconds of its rate: an address or identity that has been idle may use that much at once. */
export const BURST_SECONDS = 10;
