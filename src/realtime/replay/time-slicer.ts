import type { Milliseconds } from "../units.ts";

/** Time after which no further task is started in one turn of the event loop. */
const SLICE: Milliseconds = 5;

/** Runs tasks one after another in later turns of the event loop. After 5 ms of a turn, the rest waits for the next turn. */
export class TimeSlicer {
  readonly #tasks: (() => void)[] = [];

  /** Adds a task to the end of the queue. */
  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length === 1) this.#schedule();
  }

  #schedule(): void {
    setTimeout(() => this.#run());
  }

  #run(): void {
    const start = performance.now();
    const tasksAtStart = this.#tasks.length;
    let now = start;
    let done = 0;
    try {
      do {
        const task = this.#tasks[done];
        done += 1;
        task?.();
        now = performance.now();
        // In workerd the clock stands still while code runs. A turn there ends after the tasks that were queued at its start.
        if (now === start && done >= tasksAtStart) break;
      } while (done < this.#tasks.length && now < start + SLICE);
    } finally {
      this.#tasks.splice(0, done);
      if (this.#tasks.length > 0) this.#schedule();
    }
  }
}
