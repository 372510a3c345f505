/** Runs the service as several worker processes that share one port. */

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { Logger } from "../../realtime/types.ts";
import { flush } from "./log-output.ts";
import type { ProcessSettings } from "./settings.ts";
import { type ClosableService, stopOnSignal } from "./stop-on-signal.ts";
import { WORKER_VARIABLE } from "./worker-link.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { LaunchWorker } from "./worker-slot.ts";

/**
 * Starts the workers. Resolves with the URL of the service when all workers listen. A signal stops the workers one after the
 * other, and a second signal ends them at once.
 *
 * @throws Error when the address can't be used, and when the first worker does not start.
 */
export async function startWorkers(
  { config, keySource }: ProcessSettings,
  launch: LaunchWorker,
  logger: Logger,
): Promise<string> {
  const { host, workers: count, drainTimeout } = config;
  const port = String(await findPort(host, config.port));
  // The workers make no key of their own.
  const { adminKey = "" } = config;
  const key = keySource === "generated" ? { REALTIME_ADMIN_KEY: adminKey } : undefined;
  const pool = new WorkerPool({
    count,
    launch: (worker) => launch({ [WORKER_VARIABLE]: String(worker), PORT: port, ...key }),
    logger,
    drainTimeout,
    onGiveUp: (reason) => void giveUp(reason, logger),
  });
  // Covers every exit: a second signal, the failure of a start, and giving up.
  process.on("exit", () => pool.kill());
  const service: ClosableService = { close: (signal) => pool.close(signal) };
  stopOnSignal(service, logger);
  return pool.start();
}

async function giveUp(reason: string, logger: Logger): Promise<void> {
  logger.error("the workers can't be kept running, so the service ends", { error: reason });
  await flush(process.stdout);
  process.exit(1);
}

/**
 * Returns a port on which the workers can listen. For port 0, returns a free port, which all workers then use.
 *
 * The check happens here because on Bun the workers set `reusePort`: Linux would also let them share the port with the workers of
 * another service.
 *
 * @throws Error when another process listens on the port.
 */
async function findPort(host: string, port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  // The cast: `address` returns an `AddressInfo` for a server that listens on a port.
  const { port: found } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return found;
}
