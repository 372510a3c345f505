import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { WorkerMessage } from "./worker-link.ts";
import { type LaunchWorker, type WorkerEnd, WorkerSlot } from "./worker-slot.ts";

/** Failures of one worker in a row after which the service gives up, unless another worker is stable. */
const MAX_FAILURES = 5;

interface WorkerPoolOptions {
  /** Number of workers. */
  readonly count: number;
  /** Starts the process of a worker. */
  readonly launch: (worker: number) => ReturnType<LaunchWorker>;
  readonly logger: Logger;
  /** How long one worker may take to stop (`StartOptions.drainTimeout`). */
  readonly drainTimeout: Milliseconds;
  /** Called when the workers can't be kept running. */
  readonly onGiveUp: (reason: string) => void;
}

/** The worker processes of a service: starts them, replaces one that has ended, and stops them one after the other. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: readonly WorkerSlot[];
  readonly #restarts = new Set<ReturnType<typeof setTimeout>>();
  /** The drains, one after the other. */
  #drains: Promise<void> = Promise.resolve();
  #hasStarted = false;
  #isClosing = false;
  #onListening: (url: string) => void = () => {};
  #onFailedStart: (error: Error) => void = () => {};

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, index) => new WorkerSlot(index + 1));
  }

  /**
   * Starts the workers: first one, and when it listens, the others. Resolves with the URL when all workers listen.
   *
   * @throws Error if the first worker ends before it listens: the others would fail for the same reason.
   */
  async start(): Promise<string> {
    const [first, ...others] = this.#slots;
    const url = await new Promise<string>((resolve, reject) => {
      this.#onListening = resolve;
      this.#onFailedStart = reject;
      if (first !== undefined) this.#launch(first);
    });
    this.#hasStarted = true;
    await new Promise<void>((resolve) => {
      this.#onListening = () => {
        if (this.#slots.every(({ isListening }) => isListening)) resolve();
      };
      this.#onListening(url);
      for (const slot of others) this.#launch(slot);
    });
    return url;
  }

  /**
   * Stops the workers one after the other. The next one begins when the one before has ended, but after an equal share of the
   * drain timeout at the latest: all together take at most twice the drain timeout and two seconds.
   */
  async close(reason: string): Promise<void> {
    this.#isClosing = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const slot of this.#slots) this.#enqueueDrain(slot, reason);
    await this.#drains;
    await Promise.all(this.#slots.map((slot) => slot.whenEnded()));
  }

  /** Ends the workers at once. */
  kill(): void {
    this.#isClosing = true;
    for (const slot of this.#slots) slot.kill();
  }

  #launch(slot: WorkerSlot): void {
    slot.start(() => this.#options.launch(slot.number), {
      onMessage: (message) => this.#handle(slot, message),
      onEnd: (end) => this.#replace(slot, end),
    });
  }

  #handle(slot: WorkerSlot, message: WorkerMessage): void {
    if (message.type === "listening") this.#onListening(message.url);
    else this.#enqueueDrain(slot, message.signal);
  }

  #enqueueDrain(slot: WorkerSlot, reason: string): void {
    const { drainTimeout, count } = this.#options;
    const { pid } = slot;
    this.#drains = this.#drains.then(async () => {
      // The process may have ended, and another one replaced it, while the drain waited for its turn.
      if (slot.pid === pid) await slot.drain(reason, drainTimeout, drainTimeout / count);
    });
  }

  #replace(slot: WorkerSlot, { pid, code, signal, wasListening, wasDrained }: WorkerEnd): void {
    if (this.#isClosing) return;
    const { logger } = this.#options;
    const worker = slot.number;
    if (!this.#hasStarted) {
      const how = signal === null ? `with code ${code}` : `after ${signal}`;
      this.#onFailedStart(
        new Error(`Worker ${worker} ended ${how} before it was listening. Its log lines say why.`),
      );
      return;
    }
    const isHopeless =
      slot.failures >= MAX_FAILURES && !this.#slots.some(({ isStable }) => isStable);
    if (isHopeless) {
      this.#isClosing = true;
      this.#options.onGiveUp(
        `Worker ${worker} ended ${slot.failures} times in a row soon after its start, and no other worker has been running for long.`,
      );
      return;
    }
    const restartIn = wasDrained ? 0 : slot.pauseBeforeRestart;
    const fields = {
      ...{ worker, pid, wasListening, restartInMs: restartIn },
      ...{ code: code ?? undefined, signal: signal ?? undefined },
    };
    if (wasDrained) logger.info("a worker has stopped and is replaced", fields);
    else logger.error("a worker has ended and is restarted", fields);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#launch(slot);
    }, restartIn);
    this.#restarts.add(timer);
  }
}
