/** Milliseconds of work that requests may begin in one turn of the event loop. */
const BUDGET = 5;

/**
 * Spreads costly requests that arrive together over several turns of the event loop. Node handles everything that has arrived
 * in one turn: a thousand streams that one address opens at once would block all other requests for most of a second.
 */
export class RequestQueue {
  readonly #nextTurn: ((run: () => void) => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  /** When the first request of this turn began; undefined before that. */
  #start: number | undefined;

  /** @param nextTurn Runs a function in the next turn (`Runtime.nextTurn`). Without it no request waits. */
  constructor(nextTurn: ((run: () => void) => void) | undefined) {
    this.#nextTurn = nextTurn;
  }

  /** Resolves when a request may begin; undefined when it may begin at once. Requests begin in the order of their calls. */
  enter(): Promise<void> | undefined {
    if (this.#nextTurn === undefined) return undefined;
    if (this.#waiting.length === 0) {
      if (this.#start === undefined) {
        this.#start = performance.now();
        this.#nextTurn(this.#next);
        return undefined;
      }
      if (performance.now() - this.#start < BUDGET) return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Begins one waiting request in each turn. Its work runs after this function, so its time can't be measured here. */
  readonly #next = () => {
    this.#start = undefined;
    const resolve = this.#waiting.shift();
    if (resolve === undefined) return;
    this.#start = performance.now();
    resolve();
    this.#nextTurn?.(this.#next);
  };
}
