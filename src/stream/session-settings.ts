import type { CloseReason, Logger, MaybePromise } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { ActiveStreams } from "./active-streams.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { WaitingBudget } from "./waiting-budget.ts";

/** What all sessions of one server share. */
export interface SessionSettings {
  /** Time between two pings. */
  readonly pingInterval: Milliseconds;
  /** A client that has read nothing for this long, although bytes are queued for it, is disconnected. */
  readonly staleTimeout: Milliseconds;
  /** A stream is aborted when its response head and handshake have not been sent within this time. */
  readonly handshakeTimeout: Milliseconds;
  /** Bytes that may be queued for one client. */
  readonly maxBufferedBytes: Bytes;
  /** Writes, including the handshake, after which the stream ends and the client is asked to reconnect. 0 is no limit. */
  readonly maxWrites: number;
  /** The time of a monotonic clock. */
  readonly now: () => Milliseconds;
  readonly logger: Logger;
  readonly streams: ActiveStreams;
  readonly budget: WaitingBudget;
  readonly heartbeat: Heartbeat;
  /** Called once when a session starts. */
  readonly onStart: (clientId: string) => void;
  /** Called once when a session has ended. An error that it throws is logged. */
  readonly onEnd: (clientId: string, reason: CloseReason) => MaybePromise<void>;
}
