/** The open streams of a server. A stream counts until its last bytes are written. */
export class ActiveStreams {
  readonly #open = new Set<object>();
  #countAtStop = 0;
  #emptyCallbacks: (() => void)[] = [];

  /** Number of open streams. After `stop`, the number at that time: the clients of all of them will reconnect. */
  get count(): number {
    return Math.max(this.#open.size, this.#countAtStop);
  }

  /** Call it when the server begins to shut down, before it closes the first stream. */
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
