/** Starts worker processes on Node. `node:cluster` accepts the connections and passes them to the workers in turn. */
import cluster from "node:cluster";
import { RealtimeError } from "../../realtime/errors.ts";
import type { LaunchWorker } from "../process/worker-slot.ts";

/**
 * Starts this program again as a worker.
 *
 * @throws RealtimeError `invalid_config` on Bun, where `node:cluster` can't pass connections to workers.
 */
export const launchWorker: LaunchWorker = (variables) => {
  if (process.versions.bun !== undefined) {
    throw new RealtimeError(
      "invalid_config",
      "WORKERS needs Node here, because node:cluster can't share a port on Bun. Run `pocketwire serve` with Node, or the program pocketwire/bun with Bun.",
    );
  }
  return cluster.fork(variables).process;
};
