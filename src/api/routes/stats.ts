import type { Handler } from "hono";
import type { RegistryStats } from "../../registry/registry.ts";
import { NONE_KEPT } from "../../registry/stats.ts";
import type { ServerContext } from "../context.ts";
import type { RequestLimit } from "../counters.ts";
import { checkQueryParameters } from "../schemas/query.ts";

/** Counts of the process that serves the request (on Workers: of the isolate). The registry does not know them. */
export interface ServerCounts {
  /** Log lines that could not be written. */
  readonly logLinesDropped: number;
  /** Bytes that wait for clients now. Bytes that several clients share count once. */
  readonly waitingBytes: number;
  /** Connections refused because the process reached its limit of open files. */
  readonly connectionsRefused: number;
  /** Wrong keys and tokens. */
  readonly refusedCredentials: number;
  /** Requests over a rate limit, by limit. */
  readonly rateRefusals: Readonly<Record<RequestLimit, number>>;
}

/** Reads all counts of the service. On Workers this wakes every hub. */
export async function readStats(context: ServerContext): Promise<RegistryStats & ServerCounts> {
  const { registry, logger, budget, runtime, auth, counters } = context;
  const stats = await registry.stats();
  return {
    ...stats,
    // A hub of an earlier version returns no `kept`.
    kept: stats.kept ?? NONE_KEPT,
    logLinesDropped: logger.dropped,
    waitingBytes: budget.bytes,
    connectionsRefused: runtime.connectionsRefused?.() ?? 0,
    refusedCredentials: auth.refusedCredentialCount,
    rateRefusals: counters.counts,
  };
}

/** `GET /api/realtime/stats`: the counts as JSON. */
export function showStats(context: ServerContext): Handler {
  return async (c) => {
    checkQueryParameters(c);
    return c.json(await readStats(context));
  };
}
