import type { LogStats } from "../log/log.ts";
import type { LatencyHistogram } from "../realtime/latency.ts";
import type { ManagerStats } from "../realtime/types.ts";
import type { RegistryStats } from "./registry.ts";

/** What a registry's parts have counted, as one. */
export function toRegistryStats(
  manager: ManagerStats,
  { accepted, duplicate, messages, bytes }: LogStats,
  latency: LatencyHistogram,
  startedAt: string,
): RegistryStats {
  const history = { messages, bytes };
  return { ...manager, startedAt, accepted, duplicate, history, publishLatency: latency.stats };
}
