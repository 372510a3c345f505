/** The streams that are open, each until it is written out. */
export class OpenStreams {
  readonly #open = new Set<object>();
  #waiting: (() => void)[] = [];

  add(stream: object): void {
    this.#open.add(stream);
  }

  delete(stream: object): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when none is open any more. */
  async ended(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
