import type { ChildProcess } from "node:child_process";
import { settledWithin } from "../../realtime/settled-within.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { DrainMessage, WorkerMessage } from "./worker-link.ts";

/** A worker that ends before this time after its start has failed, and counts towards `MAX_FAILURES`. */
const STABLE_AFTER: Milliseconds = 10_000;

/** Pauses before a restart: the first one, and the longest one. The pause doubles with each failure in a row. */
const FIRST_PAUSE: Milliseconds = 100;
const MAX_PAUSE: Milliseconds = 10_000;

/** Time in addition to the drain timeout for closing the log and writing the last log lines. The worker is killed afterwards. */
const EXIT_TIME: Milliseconds = 2000;

/** Starts a worker process with variables in addition to the environment. */
export type LaunchWorker = (variables: Readonly<Record<string, string>>) => ChildProcess;

/** How a worker process ended. */
export interface WorkerEnd {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly wasListening: boolean;
  /** Whether the parent had asked the worker to stop. */
  readonly wasDrained: boolean;
}

interface SlotListener {
  onMessage(message: WorkerMessage): void;
  onEnd(end: WorkerEnd): void;
}

/** One of the workers: a process, and after its end the process that replaces it. */
export class WorkerSlot {
  readonly number: number;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #isListening = false;
  #isDraining = false;
  /**
   * Number of ends in a row at which the worker was not stable: it was not listening, or it ended within `STABLE_AFTER` of
   * its start. Drains do not count.
   */
  failures = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** Whether the worker has been running, and listening, for long enough to rely on it. */
  get isStable(): boolean {
    return this.#isListening && performance.now() - this.#startedAt >= STABLE_AFTER;
  }

  /** Undefined while no process runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  /** Time to wait before the process is replaced. */
  get pauseBeforeRestart(): Milliseconds {
    return Math.min(FIRST_PAUSE * 2 ** Math.max(this.failures - 1, 0), MAX_PAUSE);
  }

  /** Starts the process of this worker. Must not be called while it runs. */
  start(launch: () => ChildProcess, listener: SlotListener): void {
    const child = launch();
    this.#child = child;
    this.#startedAt = performance.now();
    this.#isListening = false;
    this.#isDraining = false;
    child.on("message", (message: WorkerMessage) => {
      if (message.type === "listening") this.#isListening = true;
      listener.onMessage(message);
    });
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.#child !== child) return;
        const wasListening = this.#isListening;
        const wasDrained = this.#isDraining;
        if (!wasDrained) this.failures = this.isStable ? 0 : this.failures + 1;
        this.#child = undefined;
        this.#isListening = false;
        resolve();
        listener.onEnd({ pid: child.pid, code, signal, wasListening, wasDrained });
      };
      child.on("exit", end);
      // The process could not be started, or a message could not be sent to a process that has just ended.
      child.on("error", () => {
        if (child.pid === undefined) end(null, null);
      });
    });
  }

  /**
   * Asks the process to stop accepting connections, to end its streams and to exit. A process that is still starting is killed.
   *
   * @param timeout How long the process may take. It is killed two seconds later.
   * @param turn Maximum time until this method resolves. It resolves earlier when the process has ended.
   */
  async drain(reason: string, timeout: Milliseconds, turn: Milliseconds): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#isDraining) return;
    this.#isDraining = true;
    const message: DrainMessage = { type: "drain", reason };
    if (this.#isListening && child.connected) child.send(message, () => {});
    else child.kill("SIGKILL");
    const deadline = setTimeout(() => child.kill("SIGKILL"), timeout + EXIT_TIME);
    void this.#ended.then(() => clearTimeout(deadline));
    await settledWithin(this.#ended, turn);
  }

  /** Resolves when the process has ended. */
  whenEnded(): Promise<void> {
    return this.#ended;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }
}
