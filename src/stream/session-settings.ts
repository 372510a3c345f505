import type { CloseReason, Logger, MaybePromise } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { ActiveStreams } from "./active-streams.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { WaitingBudget } from "./waiting-budget.ts";

/** The settings and objects that all sessions of one server share. */
export interface SessionSettings {
  /** Time between two pings. */
  readonly pingInterval: Milliseconds;
  /** A client that has taken none of its waiting bytes for this time is disconnected. */
  readonly staleTimeout: Milliseconds;
  /** A stream is aborted if its response head and handshake have not been sent within this time. */
  readonly handshakeTimeout: Milliseconds;
  /** Maximum number of waiting bytes of one client. */
  readonly maxBufferedBytes: Bytes;
  /**
   * Number of writes, including the handshake, after which a stream ends and its client is asked to reconnect. 0 is no
   * limit.
   */
  readonly maxWrites: number;
  /** Returns the time of a monotonic clock. */
  readonly now: () => Milliseconds;
  readonly logger: Logger;
  readonly streams: ActiveStreams;
  readonly budget: WaitingBudget;
  readonly heartbeat: Heartbeat;
  /** Called once when a session starts. */
  readonly onStart: (clientId: string) => void;
  /** Called once when a session has ended. Its errors are logged. */
  readonly onEnd: (clientId: string, reason: CloseReason) => MaybePromise<void>;
}
