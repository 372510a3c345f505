import type { Handler } from "hono";
import { getRuntimeKey } from "hono/adapter";
import { VERSION } from "../../realtime/version.ts";
import type { RegistryStats } from "../../registry/registry.ts";
import { NONE_KEPT } from "../../registry/stats.ts";
import {
  type AskCounts,
  NOTHING_ASKED,
  NOTHING_TOLD,
  type TellCounts,
} from "../callbacks/counts.ts";
import type { ServerContext } from "../context.ts";
import type { RequestLimit } from "../counters.ts";
import { checkQueryParameters } from "../schemas/query.ts";

/** What the process that serves the request (on Workers: the isolate) adds to the counts of the registry. */
export interface ServerCounts {
  /** The version of Pocketwire. */
  readonly version: string;
  /** `node`, `bun`, `workerd`, or another name of Hono's `getRuntimeKey`. */
  readonly runtime: string;
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
  /** Questions and events for the backend of `callbacks`. On Workers, no event is sent. */
  readonly callbacks: AskCounts & TellCounts;
}

/** Reads the counts of this process, without asking the other processes of a cluster. On Workers this wakes every hub. */
export function readProcessStats({ registry }: ServerContext): Promise<RegistryStats> {
  return registry.processStats?.() ?? registry.stats();
}

/**
 * Adds the counts of this process.
 *
 * @param read The statistics of the registry.
 */
export async function withServerCounts(
  { logger, budget, runtime, auth, counters, asker, teller }: ServerContext,
  read: Promise<RegistryStats>,
): Promise<RegistryStats & ServerCounts> {
  const stats = await read;
  return {
    version: VERSION,
    runtime: getRuntimeKey(),
    ...stats,
    // A hub of an earlier version returns no `kept`.
    kept: stats.kept ?? NONE_KEPT,
    logLinesDropped: logger.dropped,
    waitingBytes: budget.bytes,
    connectionsRefused: runtime.connectionsRefused?.() ?? 0,
    refusedCredentials: auth.refusedCredentialCount,
    rateRefusals: counters.counts,
    callbacks: { ...(asker?.counts ?? NOTHING_ASKED), ...(teller?.counts ?? NOTHING_TOLD) },
  };
}

/** `GET /api/realtime/stats`: the counts as JSON, summed over the processes of a cluster. On Workers this wakes every hub. */
export function showStats(context: ServerContext): Handler {
  return async (c) => {
    checkQueryParameters(c);
    return c.json(await withServerCounts(context, context.registry.stats()));
  };
}
