/** Milliseconds. When the first request of a turn began at least this long ago, further requests are queued. */
const TURN_BUDGET = 5;

/**
 * Spreads costly requests that arrive together over several turns of the event loop. In a single turn, Node handles every
 * request that has arrived. A thousand streams that one address opens at once would therefore block all other requests for most
 * of a second.
 */
export class RequestQueue {
  readonly #runNextTurn: ((run: () => void) => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  /** When the first request of this turn began; undefined before that. */
  #start: number | undefined;

  /** @param nextTurn Runs a function in the next turn (`Runtime.nextTurn`). Without it no request waits. */
  constructor(nextTurn: ((run: () => void) => void) | undefined) {
    this.#runNextTurn = nextTurn;
  }

  /** Returns undefined when the request may begin at once, otherwise a promise that resolves when the request may begin. */
  enter(): Promise<void> | undefined {
    if (this.#runNextTurn === undefined) return undefined;
    // While any request waits, new requests queue behind it, which keeps the order.
    if (this.#waiting.length === 0) {
      if (this.#start === undefined) {
        this.#start = performance.now();
        this.#runNextTurn(this.#release);
        return undefined;
      }
      if (performance.now() - this.#start < TURN_BUDGET) return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Releases one waiting request in each turn. A released request runs only after this function has returned. This function
   * therefore can't measure how long the request takes, and can't release further requests until `TURN_BUDGET` is used up.
   */
  readonly #release = () => {
    this.#start = undefined;
    const resolve = this.#waiting.shift();
    if (resolve === undefined) return;
    this.#start = performance.now();
    resolve();
    this.#runNextTurn?.(this.#release);
  };
}
