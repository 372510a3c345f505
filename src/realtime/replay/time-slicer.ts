/** Milliseconds of work in one turn of the event loop; then everybody else gets theirs. */
const BUDGET = 5;

/** Runs tasks one after another in later turns, so many at a time that nothing else waits long. */
export class TimeSlicer {
  readonly #tasks: (() => void)[] = [];

  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length === 1) this.#schedule();
  }

  #schedule(): void {
    setTimeout(() => this.#run());
  }

  #run(): void {
    const start = performance.now();
    const dueAtStart = this.#tasks.length;
    let now = start;
    let done = 0;
    try {
      do {
        const task = this.#tasks[done];
        done += 1;
        task?.();
        now = performance.now();
        // In workerd no time passes while it computes: a turn ends there with what was due at its start.
        if (now === start && done >= dueAtStart) break;
      } while (done < this.#tasks.length && now < start + BUDGET);
    } finally {
      this.#tasks.splice(0, done);
      if (this.#tasks.length > 0) this.#schedule();
    }
  }
}
