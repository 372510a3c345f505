/** Starts worker processes on Bun. Each worker listens on the port itself, and Linux spreads the connections over them. */
import { spawn } from "node:child_process";
import { RealtimeError } from "../../realtime/errors.ts";
import type { LaunchWorker } from "../process/worker-slot.ts";

/**
 * Starts this program again as a worker. The worker listens with `reusePort`. (`node:cluster` of Bun can't pass connections to
 * workers.)
 *
 * @throws RealtimeError `invalid_config` where workers can't share a port.
 */
export const launchWorker: LaunchWorker = (variables) => {
  if (process.platform !== "linux") {
    throw new RealtimeError(
      "invalid_config",
      "WORKERS needs Linux on Bun, because other systems give every connection of a shared port to one process. Use Node, or start one process for each port.",
    );
  }
  if (process.execArgv.includes("--hot")) {
    throw new RealtimeError(
      "invalid_config",
      "WORKERS can't be used with --hot, because each reload would start more workers. Use `bun --watch`.",
    );
  }
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, ...variables },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
};
