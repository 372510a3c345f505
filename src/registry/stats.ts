import type { KeptStats, LogStats } from "../log/log.ts";
import type { LatencyHistogram } from "../realtime/latency.ts";
import type { ManagerStats } from "../realtime/types.ts";
import type { RegistryStats } from "./registry.ts";

/** The statistics of a log without messages that topic rules keep. */
export const NONE_KEPT: KeptStats = { topics: 0, messages: 0, bytes: 0, evicted: 0 };

/**
 * Combines the counters of a manager and its log.
 *
 * @param startedAt When the registry was started, in ISO 8601.
 */
export function toRegistryStats(
  manager: ManagerStats,
  log: LogStats,
  latency: LatencyHistogram,
  startedAt: string,
): RegistryStats {
  return {
    ...manager,
    startedAt,
    accepted: log.accepted,
    duplicate: log.duplicate,
    history: { messages: log.messages, bytes: log.bytes },
    kept: log.kept ?? NONE_KEPT,
    publishLatency: latency.stats,
  };
}
