import { vi } from "vitest";

/** A clock that stands until the test moves it: timers and `Date.now`. Works in Vitest and in Bun's runner. */
export interface ManualClock {
  /** Number of timers that have not ended. */
  readonly timers: number;
  /** Milliseconds until the next timer. */
  next(): number;
  pass(milliseconds: number): void;
}

/** Replaces the timers of this process until `vi.restoreAllMocks()`. */
export function installClock(): ManualClock {
  const timers = new Map<number, { run: () => void; every: number | undefined; due: number }>();
  let now = Date.now();
  let ids = 0;
  const start = (run: () => void, delay: number, every: number | undefined) => {
    ids += 1;
    timers.set(ids, { run, every, due: now + Math.max(delay, 1) });
    return ids;
  };
  const stop = (id: number) => timers.delete(id);
  const replace = (
    name: "setTimeout" | "setInterval" | "clearTimeout" | "clearInterval",
    by: unknown,
  ) => vi.spyOn(globalThis, name).mockImplementation(by as never);
  replace("setTimeout", (run: () => void, delay = 0) => start(run, delay, undefined));
  replace("setInterval", (run: () => void, delay = 0) => start(run, delay, delay));
  replace("clearTimeout", stop);
  replace("clearInterval", stop);
  vi.spyOn(Date, "now").mockImplementation(() => now);
  const nextDue = () => Math.min(...[...timers.values()].map(({ due }) => due));
  return {
    get timers() {
      return timers.size;
    },
    next: () => nextDue() - now,
    pass: (milliseconds) => {
      const end = now + milliseconds;
      while (nextDue() <= end) {
        now = nextDue();
        for (const [id, timer] of [...timers]) {
          if (timer.due > now || !timers.has(id)) continue;
          if (timer.every === undefined) timers.delete(id);
          else timer.due += timer.every;
          timer.run();
        }
      }
      now = end;
    },
  };
}
