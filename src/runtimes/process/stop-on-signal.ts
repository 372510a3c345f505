import { readFileSync } from "node:fs";
import type { Logger } from "../../realtime/types.ts";
import { flush } from "./log-output.ts";
import type { ParentLink } from "./worker-link.ts";

/** What a signal stops. */
export interface ClosableService {
  close(reason: string): Promise<void>;
}

/** Stops the service on SIGTERM or SIGINT, or when the npm process that started it ends. A second signal exits at once. */
export function stopOnSignal(service: ClosableService, logger: Logger): void {
  const stop = createStop(service, logger);
  onSignal((signal) => void stop(signal));
  if (isForegroundOfNpm()) onParentExit(() => void stop("the end of npm"));
}

/**
 * Stops a worker when its parent says so. A signal is passed to the parent, because a terminal and systemd send a signal to all
 * processes of a service, and the workers stop one after the other. A second signal exits at once.
 */
export function stopOnDrain(service: ClosableService, parent: ParentLink, logger: Logger): void {
  const stop = createStop(service, logger);
  let isStopping = false;
  let wasSignalled = false;
  parent.onDrain((reason) => {
    if (!isStopping) void stop(reason);
    isStopping = true;
  });
  onSignal((signal) => {
    if (wasSignalled) process.exit(1);
    wasSignalled = true;
    parent.send({ type: "signal", signal });
  });
}

/** Makes a function that closes the service and ends the process. The second call ends the process at once. */
function createStop(service: ClosableService, logger: Logger): (signal: string) => Promise<void> {
  let isStopping = false;
  return async (signal) => {
    // A second signal forces an immediate exit.
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info("stopping", { signal });
    await service.close(signal);
    logger.info("stopped");
    await flush(process.stdout);
    process.exit(0);
  };
}

function onSignal(listener: (signal: string) => void): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // `bun --hot` evaluates the program again in the same process. The earlier listeners would then handle the signal as well.
    process.removeAllListeners(signal);
    process.on(signal, () => listener(signal));
  }
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
