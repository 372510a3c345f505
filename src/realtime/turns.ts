/** Milliseconds of work in one turn of the event loop; then everybody else gets theirs. */
const BUDGET = 5;

/** Runs tasks one after another in later turns, so many at a time that nothing else waits long. */
export class Turns {
  readonly #due: (() => void)[] = [];

  add(task: () => void): void {
    this.#due.push(task);
    if (this.#due.length === 1) this.#set();
  }

  #set(): void {
    setTimeout(() => this.#run());
  }

  #run(): void {
    const end = performance.now() + BUDGET;
    let done = 0;
    try {
      do {
        const task = this.#due[done];
        done += 1;
        task?.();
      } while (done < this.#due.length && performance.now() < end);
    } finally {
      this.#due.splice(0, done);
      if (this.#due.length > 0) this.#set();
    }
  }
}
