import type { Milliseconds } from "./units.ts";

/** Resolves when the promise resolves or the time has passed, whichever is first. Rejects if the promise rejects first. */
export async function settledWithin(promise: Promise<unknown>, time: Milliseconds): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const elapsed = new Promise((resolve) => {
    timer = setTimeout(resolve, time);
  });
  await Promise.race([promise, elapsed]);
  clearTimeout(timer);
}
