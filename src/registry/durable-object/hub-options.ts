import type { HistoryLimits, LogOptions, RememberedIdLimits } from "../../log/log.ts";
import type { ManagerOptions } from "../../realtime/manager.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import type { HubTells } from "./event-queue.ts";
import type { HubStub } from "./protocol.ts";

/** Options of `RealtimeHub`. */
export interface RealtimeHubOptions extends Omit<ManagerOptions, "now" | "presence"> {
  /** Bounds on the messages that the hub keeps. Default for each bound: `DEFAULT_HISTORY`. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** Bounds on the message ids that the hub remembers. Default for each bound: `DEFAULT_REMEMBERED_IDS`. */
  readonly rememberedIds?: Partial<RememberedIdLimits> | undefined;
  /**
   * Topic rules. The hub applies `keep` and `presence`. The Worker applies the other fields when it publishes. Default: no rules.
   */
  readonly topics?: LogOptions["topics"];
  /** `KeptLimits.bytes`. Default 64 MiB. */
  readonly keptBytes?: Bytes | undefined;
  /** `KeptLimits.topics`. Default 100,000. */
  readonly keptTopics?: number | undefined;
  /** `PresenceOptions.grace`. */
  readonly presenceGrace?: Milliseconds | undefined;
  /** Number of shards. The hubs of all shards share presence. Default 1. */
  readonly shards?: number | undefined;
  /** Returns a new stub of a shard's hub. Required if there are several shards. */
  readonly hub?: ((shard: number) => HubStub) | undefined;
  /** How the hub tells a backend of events. Shard 0 tells when topics are occupied and vacated. Default: the hub tells nothing. */
  readonly tells?: HubTells | undefined;
}

/** Reads the shard at the end of a hub's name: "3" in production, "<prefix>-3" in the tests. 0 for other names. */
export function shardOfHub(name: string | undefined): number {
  return Number(/\d+$/.exec(name ?? "")?.[0] ?? 0);
}
