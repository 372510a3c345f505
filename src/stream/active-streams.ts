/** The open streams of a server. A stream is open until its session has ended and its last bytes are written. */
export class ActiveStreams {
  readonly #open = new Set<object>();
  #countAtStop = 0;
  #emptyCallbacks: (() => void)[] = [];

  /** Number of open streams. After `stop`, at least the number at the time of `stop`: all these clients will reconnect. */
  get count(): number {
    return Math.max(this.#open.size, this.#countAtStop);
  }

  /** Call this when the server begins to shut down, before it closes the first stream. */
  stop(): void {
    this.#countAtStop = this.#open.size;
  }

  add(stream: object): void {
    this.#open.add(stream);
  }

  delete(stream: object): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    for (const callback of this.#emptyCallbacks.splice(0)) callback();
  }

  /** Resolves when no stream is open. */
  async whenEmpty(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => this.#emptyCallbacks.push(resolve));
  }
}
