import type { Config } from "./config.ts";
import type { Environment } from "./table.ts";

/** As `findContradictions`, for settings that have an effect only in a process. A file of its own, so that the Worker stays small. */
export function findProcessContradictions(config: Config, variables: Environment): string[] {
  const found: string[] = [];
  if (config.dataSync === "full" && config.data === undefined) {
    found.push(
      "REALTIME_DATA_SYNC is full, but REALTIME_DATA is not set, so messages are kept in memory only. Set REALTIME_DATA to a folder.",
    );
  }
  if (config.redis === undefined && variables.REDIS_PREFIX) {
    found.push(
      "REDIS_PREFIX is set, but REDIS_URL is not, so the service does not use Redis. Set REDIS_URL.",
    );
  }
  return found;
}
