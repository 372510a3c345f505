import type { CapacityLimits } from "./access/capacity.ts";
import type { Clocks } from "./clock.ts";
import type { PresenceOptions } from "./presence/presence-core.ts";
import type { CollectionRules } from "./records/collection.ts";
import type { Tracing } from "./tracing-port.ts";
import type { Logger } from "./types.ts";
import type { Milliseconds } from "./units.ts";

/** The default of `ManagerOptions.authGrace`: 10 seconds. */
export const DEFAULT_AUTH_GRACE: Milliseconds = 10_000;

/** Options of `RealtimeManager`. By default nothing is limited, which suits tests and small apps. */
export interface ManagerOptions extends CapacityLimits, Clocks {
  /**
   * Whether a request that sets a client's subscriptions must come from the network of the client's stream (`networkOf`).
   * PocketBase has a similar check. Default true.
   */
  readonly checkAddress?: boolean | undefined;
  /**
   * How long a stream stays open after its credential has expired. During this time the client has no rights. The stream
   * stays open for longer if the client sends a fresh credential. Default 10,000.
   */
  readonly authGrace?: Milliseconds | undefined;
  /**
   * What a client with an expired credential may receive: the public messages of its subscriptions, like a guest
   * ("subscribe"), or nothing ("none"). With "none" the manager removes the client's subscriptions when the credential
   * expires. The manager does not refuse the requests of guests: the API does. Default "subscribe".
   */
  readonly anonymous?: "subscribe" | "none" | undefined;
  /**
   * Access rules of collections, by name or id of the collection. The entry `*` is for all collections without an entry of
   * their own. Default: no rules, so each client may receive every record event that is not private.
   */
  readonly rules?: Readonly<Record<string, CollectionRules>> | undefined;
  /** Presence: which topics have members. Default: none. */
  readonly presence?: PresenceOptions | undefined;
  /** Default: nothing is logged. */
  readonly logger?: Logger | undefined;
  /** Traces deliveries; as an option of `createServer` also requests. Default: nothing is traced. */
  readonly tracing?: Tracing | undefined;
}
