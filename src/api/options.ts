import type { MessageLog } from "../log/log.ts";
import type { ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { AuthSettings } from "./auth-settings.ts";
import type { Hooks } from "./hooks.ts";
import type { Runtime } from "./peer.ts";

/** What `createServer` may be given. Times are milliseconds. */
export interface ServerOptions extends ManagerOptions, AuthSettings, Partial<RequestLimits> {
  /** Where clients live. Default: in this process, over `realtimeManager` and `log`. */
  readonly registry?: ClientRegistry | undefined;
  /** The manager of the default registry. Default: a new one, with what is said here for managers. */
  readonly realtimeManager?: RealtimeManager | undefined;
  /** The log of the default registry. Default: in memory. */
  readonly log?: MessageLog | undefined;
  /**
   * Origins whose pages may use the service. `*` is any, without cookies; those that are listed by name may send them.
   * Default of `startServer`: `["*"]`. Default of `createServer`: the service sets no CORS headers, so the `cors()` of
   * the app that it is mounted in decides. Where that `cors()` has allowed an origin, its headers stay.
   */
  readonly origins?: readonly string[] | undefined;
  /** Between two keep-alive comments. Default 30,000. */
  readonly pingInterval?: number | undefined;
  /** A client that has not taken a ping or a frame for so long is disconnected. Default 90,000. */
  readonly staleTimeout?: number | undefined;
  /**
   * A stream whose response head and handshake have not left for so long is cut: middleware in front may hold back the
   * response. Bun and Workers don't tell whether a body that is read has left, so middleware that reads the body itself is
   * not seen there. Default 10,000, and never more than `staleTimeout`.
   */
  readonly handshakeTimeout?: number | undefined;
  /** Bytes that may wait for one client before it is disconnected as too slow. Default 1 MiB. */
  readonly maxBufferedBytes?: number | undefined;
  /**
   * Bytes that may wait for all clients together before the fullest streams are cut as too slow; what waits for several
   * clients counts once. 0 is any number. Default 256 MiB.
   */
  readonly maxWaitingBytes?: number | undefined;
  /** The same of the clients of one address (`networkOf`). Default 64 MiB. */
  readonly maxWaitingBytesPerAddress?: number | undefined;
  /**
   * Writes to one stream before it is ended and its client asked to come back: for runtimes that cut a
   * request after its share of CPU time. Default 0: no end.
   */
  readonly maxStreamWrites?: number | undefined;
  /** An embedding app's say in connects, subscriptions and messages. */
  readonly hooks?: Hooks | undefined;
  /**
   * Whether `GET /` is the console and `GET /api/docs` its documentation. Default false. `startServer` leaves it false;
   * the programs (`npm start`, the command, the Worker) turn it on.
   */
  readonly console?: boolean | undefined;
  /** Whether `GET /api/health` and `/api/health/ready` answer. Default false; `startServer` turns it on. */
  readonly health?: boolean | undefined;
  /** Whether `GET /api/openapi.json` answers. Default: as `console`; `startServer` turns it on. */
  readonly openapi?: boolean | undefined;
  /**
   * Who may read `GET /metrics`: holders of the admin key (`admin`), everyone (`open`) or no one (`off`). Default `off`;
   * `startServer` makes it `admin`.
   */
  readonly metrics?: "admin" | "open" | "off" | undefined;
  /** What only the runtime can tell or do; the entries bring it. */
  readonly runtime?: Runtime | undefined;
}

/** Bounds of requests. Lengths are UTF-16 code units; a rate of 0 is no limit. */
export interface RequestLimits {
  /** Largest request body in bytes. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** How long a request body may take to arrive, in milliseconds. Default 30,000. */
  readonly requestTimeout: number;
  /** Subscription keys of one client. Default 1,000. */
  readonly maxSubscriptions: number;
  /** Length of a topic or subscription key. Default 2,500. */
  readonly maxTopicLength: number;
  /** Messages in one batch. Default 1,000. */
  readonly maxBatch: number;
  /** Data of one message, in bytes as JSON. Default 256 KiB. */
  readonly maxMessageBytes: number;
  /**
   * Streams opened, subscriptions set and histories read, each by itself, by address (`networkOf`). At once ten seconds'
   * worth; of streams and subscriptions at least `maxClientsPerAddress`. Not where the runtime tells no address. Default 100.
   */
  readonly connectsPerSecond: number;
  /**
   * Messages published, by identity; at once ten seconds' worth, or `maxBatch` where that is more. The admin key has no
   * limit. Default 10: with 1,000 at once, one identity fills less than half of the default history.
   */
  readonly publishesPerSecond: number;
  /** Credentials refused, by address (`networkOf`), and ten seconds' worth at once. Default 20. */
  readonly failuresPerSecond: number;
  /**
   * Bytes of these messages (data, topics and ids), by identity; at once ten seconds' worth, or `maxBodyBytes` where that is
   * more. The admin key has no limit. Default 50,000: one identity fills less than half of the default history.
   */
  readonly publishBytesPerSecond: number;
  /**
   * Messages of the history that reads look through, by address (`networkOf`), and ten seconds' worth at once. A read that
   * has begun ends; the reads behind it wait for what it took. Default 50,000: five whole histories a second.
   */
  readonly historyScanPerSecond: number;
}

export const DEFAULT_LIMITS: RequestLimits = {
  maxBodyBytes: 1_048_576,
  requestTimeout: 30_000,
  maxSubscriptions: 1000,
  maxTopicLength: 2500,
  maxBatch: 1000,
  maxMessageBytes: 262_144,
  connectsPerSecond: 100,
  publishesPerSecond: 10,
  publishBytesPerSecond: 50_000,
  historyScanPerSecond: 50_000,
  failuresPerSecond: 20,
};

/** What was asked for, and the defaults for the rest. */
export function limitsOf(options: Partial<RequestLimits>): RequestLimits {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof RequestLimits)[];
  const limits = names.map((name) => [name, options[name] ?? DEFAULT_LIMITS[name]]);
  return Object.fromEntries(limits) as unknown as RequestLimits;
}

/** What holds when an option or variable is left out. Milliseconds and bytes. */
export const DEFAULTS: {
  readonly origins: readonly string[];
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly handshakeTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxWaitingBytes: number;
  readonly maxWaitingBytesPerAddress: number;
  readonly maxStreamWrites: number;
  readonly drainTimeout: number;
  readonly maxClients: number;
  readonly maxClientsPerAddress: number;
  readonly maxKeys: number;
  readonly maxKeysPerAddress: number;
  readonly maxKeyCharacters: number;
  readonly maxKeyCharactersPerAddress: number;
  readonly authGrace: number;
  readonly metrics: "admin" | "open" | "off";
} = {
  origins: ["*"],
  pingInterval: 30_000,
  staleTimeout: 90_000,
  handshakeTimeout: 10_000,
  maxBufferedBytes: 1_048_576,
  maxWaitingBytes: 268_435_456,
  maxWaitingBytesPerAddress: 67_108_864,
  maxStreamWrites: 0,
  drainTimeout: 10_000,
  maxClients: 50_000,
  maxClientsPerAddress: 1000,
  // A key takes about 400 bytes of memory beside its characters: all of them leave room in a heap of 512 MB.
  maxKeys: 500_000,
  maxKeysPerAddress: 100_000,
  maxKeyCharacters: 64 * 1024 * 1024,
  maxKeyCharactersPerAddress: 16 * 1024 * 1024,
  authGrace: 10_000,
  metrics: "admin",
};

/**
 * How long a client is asked to wait before it comes back, in milliseconds: spread, so that they don't all
 * come at once. When the server stops (`widen` makes it wider for many clients), and when only this stream has had its time.
 */
export const RETRY = {
  shutdown: { least: 1000, most: 5000 },
  lifetime: { least: 100, most: 1000 },
};
