/** Milliseconds after the first request of a turn during which further requests may begin in that turn. */
const TURN_BUDGET = 5;

/**
 * Spreads costly requests that arrive together over several turns of the event loop. In a single turn, Node handles
 * every request that has arrived: a thousand streams that one address opens at once would block all other requests for most of a second.
 */
export class RequestQueue {
  readonly #runNextTurn: ((run: () => void) => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  /** When the first request of this turn began; undefined before that. */
  #turnStart: number | undefined;

  /** @param nextTurn Runs a function in the next turn (`Runtime.nextTurn`). Without it no request waits. */
  constructor(nextTurn: ((run: () => void) => void) | undefined) {
    this.#runNextTurn = nextTurn;
  }

  /**
   * Returns undefined when the request may begin at once, otherwise a promise that resolves when the request may begin. Requests
   * begin in the order in which `enter` was called: while one waits, later requests wait as well.
   */
  enter(): Promise<void> | undefined {
    if (this.#runNextTurn === undefined) return undefined;
    if (this.#waiting.length === 0) {
      if (this.#turnStart === undefined) {
        this.#turnStart = performance.now();
        this.#runNextTurn(this.#release);
        return undefined;
      }
      if (performance.now() - this.#turnStart < TURN_BUDGET) return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Lets one waiting request begin. The work of the request runs after this function returns, so its time can't be measured here:
   * only one request begins in each turn.
   */
  readonly #release = () => {
    this.#turnStart = undefined;
    const resolve = this.#waiting.shift();
    if (resolve === undefined) return;
    this.#turnStart = performance.now();
    resolve();
    this.#runNextTurn?.(this.#release);
  };
}
