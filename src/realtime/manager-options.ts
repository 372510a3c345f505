import type { CapacityLimits } from "./access/capacity.ts";
import type { Clocks } from "./clock.ts";
import type { Logger } from "./types.ts";
import type { Milliseconds } from "./units.ts";

/** The default of `ManagerOptions.authGrace`: 10 seconds. */
export const DEFAULT_AUTH_GRACE: Milliseconds = 10_000;

/** Options of `RealtimeManager`. The defaults suit tests and small apps: nothing is limited. */
export interface ManagerOptions extends CapacityLimits, Clocks {
  /**
   * Whether a request may set the subscriptions of a client only from the network that the client's stream comes from
   * (`networkOf`). PocketBase checks the same. Default true.
   */
  readonly checkAddress?: boolean | undefined;
  /**
   * How long a stream stays open after its credential has expired. The client has no rights in that time, and keeps its
   * stream by sending a fresh credential. Default 10,000.
   */
  readonly authGrace?: Milliseconds | undefined;
  /**
   * What clients without an identity may subscribe to: every topic ("subscribe") or none ("none"). A client with an expired
   * credential counts as one without an identity. Private messages always need a right. Default "subscribe".
   */
  readonly anonymous?: "subscribe" | "none" | undefined;
  /** Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}
