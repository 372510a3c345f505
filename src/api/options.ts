import type { MessageLog } from "../log/log.ts";
import type { RealtimeManager } from "../realtime/manager.ts";
import type { Logger } from "../realtime/types.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { Authenticate, Runtime } from "./peer.ts";

/** What `createServer` may be given. Times are milliseconds. */
export interface ServerOptions {
  /** Where clients live. Default: in this process, over `realtimeManager` and `log`. */
  readonly registry?: ClientRegistry | undefined;
  /** The manager of the default registry. Default: a new one. */
  readonly realtimeManager?: RealtimeManager | undefined;
  /** The log of the default registry. Default: in memory. */
  readonly log?: MessageLog | undefined;
  /** Opens publishing and administration to whoever sends it. Default: both stay closed. */
  readonly adminKey?: string | undefined;
  /** Origins whose pages may use the service; `*` is any, without credentials. Default `["*"]`. */
  readonly origins?: readonly string[] | undefined;
  /** Between two keep-alive comments. Default 30,000. */
  readonly pingInterval?: number | undefined;
  /** A client that has not taken a ping or a frame for so long is disconnected. Default 90,000. */
  readonly staleTimeout?: number | undefined;
  /** Bytes that may wait for one client before it is disconnected as too slow. Default 1 MiB. */
  readonly maxBufferedBytes?: number | undefined;
  /**
   * Writes to one stream before it is ended and its client asked to come back: for runtimes that cut a
   * request after its share of CPU time. Default 0: no end.
   */
  readonly maxStreamWrites?: number | undefined;
  /** Largest request body in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Who sends a request. Default: everybody is a guest. */
  readonly authenticate?: Authenticate | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** What only the runtime can tell or do; the entries bring it. */
  readonly runtime?: Runtime | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What holds when an option or variable is left out. Milliseconds and bytes. */
export const DEFAULTS: {
  readonly origins: readonly string[];
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxBodyBytes: number;
  readonly maxStreamWrites: number;
  readonly drainTimeout: number;
} = {
  origins: ["*"],
  pingInterval: 30_000,
  staleTimeout: 90_000,
  maxBufferedBytes: 1_048_576,
  maxBodyBytes: 1_048_576,
  maxStreamWrites: 0,
  drainTimeout: 10_000,
};

/**
 * How long a client is asked to wait before it comes back, in milliseconds: spread, so that they don't all
 * come at once. When the server stops, and when only this stream has had its time.
 */
export const RETRY = {
  shutdown: { least: 1000, most: 5000 },
  lifetime: { least: 100, most: 1000 },
};
