import { readFileSync } from "node:fs";
import type { Logger } from "../../realtime/types.ts";
import type { RunningServer } from "./listening.ts";
import { flush } from "./log-output.ts";

/** Stops the service on SIGTERM or SIGINT, or when the npm process that started it ends. A second signal exits at once. */
export function stopOnSignal(server: RunningServer, logger: Logger): void {
  let isStopping = false;
  const stop = async (signal: string) => {
    // A second signal forces an immediate exit.
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info("stopping", { signal });
    await server.close();
    logger.info("stopped");
    await flush(process.stdout);
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // `bun --hot` evaluates the program again in the same process. The earlier listeners would then handle the signal as well.
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(signal));
  }
  if (isForegroundOfNpm()) onParentExit(() => void stop("the end of npm"));
}

/** npm sends a signal only to its shell, and the shell ends without forwarding it. This process then gets another parent. */
function onParentExit(listener: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    listener();
  }, 250);
}

/**
 * Whether the parent is the shell of an npm script that runs this program in the foreground. If a script starts the service
 * in the background, the script ends first, and the service must continue to run.
 */
function isForegroundOfNpm(): boolean {
  const { npm_lifecycle_script: script } = process.env;
  if (script === undefined || /(^|[^&>])&([^&>]|$)/.test(script)) return false;
  try {
    const command = readFileSync(`/proc/${process.ppid}/cmdline`, "utf8");
    return command.includes("\0-c\0") && command.includes(script);
  } catch {
    // Without /proc, the parent is unknown. A script in the foreground is the usual case.
    return true;
  }
}
