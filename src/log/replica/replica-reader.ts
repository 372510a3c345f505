import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { Replica } from "./replica.ts";
import type { Sequencer } from "./sequencer.ts";

/** Time after which the reader joins again even if nothing has failed: a server that was demoted may answer and have no news. */
const JOIN_INTERVAL: Milliseconds = 1000;

/** Range of the time until the reader tries again after a failure. It is random, so that many processes don't try together. */
const RETRY: { readonly min: Milliseconds; readonly max: Milliseconds } = { min: 50, max: 300 };

/** Options of `ReplicaReader`. */
export interface ReplicaReaderOptions {
  readonly replica: Replica;
  readonly sequencer: Sequencer;
  readonly monotonicNow: () => number;
  readonly logger: Logger | undefined;
}

/** Reads the entries of a shared log one page after another, and passes them to a replica until it is stopped. */
export class ReplicaReader {
  readonly #options: ReplicaReaderOptions;
  #failure: unknown;
  #joinedAt: number;
  #mustJoin = false;
  #isStopped = false;
  #wake: (() => void) | undefined;

  constructor(options: ReplicaReaderOptions) {
    this.#options = options;
    this.#joinedAt = options.monotonicNow();
    void this.#run();
  }

  /** Joins again before the next page. Must be called when an answer shows that the log has changed. */
  joinAgain(): void {
    this.#mustJoin = true;
  }

  /** The error of the last read; undefined when it succeeded. */
  get failure(): unknown {
    return this.#failure;
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#readPage();
        this.#onSuccess();
      } catch (error) {
        if (this.#isStopped) return;
        this.#onFailure(error);
        await this.#delay();
      }
    }
  }

  async #readPage(): Promise<void> {
    const { replica, sequencer, monotonicNow } = this.#options;
    const hasJoined = this.#mustJoin;
    if (hasJoined || monotonicNow() - this.#joinedAt > JOIN_INTERVAL) {
      await replica.join();
      this.#joinedAt = monotonicNow();
      this.#mustJoin = false;
    }
    const entries = await sequencer.after(replica.place);
    if (this.#isStopped || (await replica.receive(entries))) return;
    this.#mustJoin = true;
    if (!hasJoined) return;
    // The server that answered `after` has another log than the server that answered `join`.
    sequencer.disconnect();
    throw new Error("The entries do not follow the newest entry of this process.");
  }

  #onSuccess(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#options.logger?.info("the shared log can be read again");
  }

  #onFailure(error: unknown): void {
    if (this.#failure === undefined) {
      this.#options.logger?.error("the shared log can't be read", { error: String(error) });
    }
    this.#failure = error;
    this.#mustJoin = true;
  }

  #delay(): Promise<void> {
    const { min, max } = RETRY;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, min + Math.random() * (max - min));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
