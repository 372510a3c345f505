/** The connection between a worker process and the process that started it. */
import type { LogFields, Logger } from "../../realtime/types.ts";

/** The variable that tells a worker its number. Only the process that starts the workers sets it. */
export const WORKER_VARIABLE = "POCKETWIRE_WORKER";

/** What a worker tells its parent. */
export type WorkerMessage =
  | { readonly type: "listening"; readonly url: string }
  /** The worker has received a signal. The parent decides when the worker stops, so that the workers stop one after the other. */
  | { readonly type: "signal"; readonly signal: string };

/** What the parent tells a worker: stop now. */
export interface DrainMessage {
  readonly type: "drain";
  readonly reason: string;
}

/** The worker's end of the connection to its parent. */
export interface ParentLink {
  /** The number of the worker, from 1. A worker that replaces another one has the number of the other one. */
  readonly worker: number;
  send(message: WorkerMessage): void;
  /** Calls back when the parent asks the worker to stop, and when the parent has ended. */
  onDrain(stop: (reason: string) => void): void;
}

/** Returns the connection to the parent if this process is a worker. */
export function connectToParent(): ParentLink | undefined {
  const worker = workerNumber();
  if (worker === undefined) return undefined;
  return {
    worker,
    // The callback takes the error of a parent that has ended. `disconnect` reports the end.
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    onDrain: (stop) => {
      process.on("message", (message: DrainMessage) => {
        if (message?.type === "drain") stop(message.reason);
      });
      // Bun only. On Node, `node:cluster` has its own listener, which was added earlier and ends the process.
      process.on("disconnect", () => stop("the end of the parent process"));
    },
  };
}

/** Returns the number of the worker that this process is. Undefined if this process is no worker. */
export function workerNumber(): number | undefined {
  const number = Number(process.env[WORKER_VARIABLE]);
  // A process that inherited the variable from a worker has no connection to a parent.
  return number > 0 && process.send !== undefined ? number : undefined;
}

/** Makes a logger that adds fields to each line. */
export function withFields(logger: Logger, added: LogFields): Logger {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (msg: string, fields: LogFields = {}): void =>
      logger[level](msg, { ...added, ...fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    get dropped() {
      return logger.dropped;
    },
  };
}
