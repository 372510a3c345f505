/** Checks options about the log of a process. In a file of its own, because a Worker has no such options. */
import { RealtimeError } from "../realtime/errors.ts";
import type { ServerOptions } from "./options.ts";

/** The options of `startServer` that open a log. */
interface LogOptions extends ServerOptions {
  readonly data?: unknown;
  readonly redis?: unknown;
}

/**
 * Refuses `data`, `redis` and `bus` that would have no effect.
 *
 * @throws RealtimeError `invalid_config`.
 */
export function checkLogOptions(options: LogOptions): void {
  checkData(options);
  checkBus(options);
}

/** @throws RealtimeError `invalid_config` for a bus without the log of several processes, and for `redis` of `startServer`. */
function checkBus(options: LogOptions): void {
  const { bus, log, registry } = options;
  if (bus === undefined && options.redis !== undefined) {
    throw new RealtimeError(
      "invalid_config",
      'createServer does not connect to the Redis of the option "redis". Pass ...(await openRedis(redis)), with openRedis from pocketwire/node or pocketwire/bun, or call startServer.',
    );
  }
  if (bus === undefined || (log !== undefined && registry === undefined)) return;
  throw new RealtimeError(
    "invalid_config",
    "bus needs the log that openRedis returns with it, and no registry. Pass both: ...(await openRedis({ url })).",
  );
}

/** @throws RealtimeError `invalid_config` for the option `data` of `startServer`, which would have no effect. */
function checkData(options: LogOptions): void {
  if (options.data === undefined || (options.log ?? options.registry) !== undefined) return;
  throw new RealtimeError(
    "invalid_config",
    'createServer does not open the folder of the option "data". Pass log: await openDataLog(data), with openDataLog from pocketwire/node or pocketwire/bun, or call startServer.',
  );
}
