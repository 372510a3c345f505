import type { MessageLog } from "../log/log.ts";
import type { ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { AuthSettings } from "./auth/settings.ts";
import type { Hooks } from "./hooks.ts";
import type { RequestLimits } from "./limits.ts";
import type { Runtime } from "./runtime.ts";

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
