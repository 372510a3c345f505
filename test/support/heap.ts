/** The heap of the current program, which must run with `gc` (Node: `--expose-gc`). */

const isBun = process.versions.bun !== undefined;

/** The heap's bytes once it stops shrinking, so that objects that are released soon do not count. */
export async function settledHeap(): Promise<number> {
  let least = await heapBytes();
  for (let still = 0; still < 5; still++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = await heapBytes();
    if (now < least * 0.99) still = 0;
    least = Math.min(least, now);
  }
  return least;
}

async function heapBytes(): Promise<number> {
  if (isBun) {
    const { fullGC, heapStats } = await import("bun:jsc");
    fullGC();
    return heapStats().heapSize;
  }
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 100));
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
