/** The streams that are open, each until it is written out. */
export class ActiveStreams {
  readonly #open = new Set<object>();
  /** How many there were when the server began to stop. */
  #countAtStop = 0;
  #emptyCallbacks: (() => void)[] = [];

  /** How many are open; while the server stops, how many were open before. */
  get count(): number {
    return Math.max(this.#open.size, this.#countAtStop);
  }

  /** The server begins to stop. */
  stop(): void {
    this.#countAtStop = this.#open.size;
  }

  add(stream: object): void {
    this.#open.add(stream);
  }

  delete(stream: object): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    for (const resolve of this.#emptyCallbacks.splice(0)) resolve();
  }

  /** Resolves when none is open any more. */
  async whenEmpty(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => this.#emptyCallbacks.push(resolve));
  }
}
