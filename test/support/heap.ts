/** The heap of the current program, which must run with `gc` (Node: `--expose-gc`). */

const isBun = process.versions.bun !== undefined;

/** A stream has one object of each of the last two kinds. */
const HANDLES_OF_BUN = /^(Timeout|Request|ReadableStream)$/;

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

/** Timers and sockets of the program. Bun does not list its handles, so there the objects of these kinds are counted. */
export async function countHandles(): Promise<number> {
  if (!isBun) return process.getActiveResourcesInfo().length;
  const { heapStats } = await import("bun:jsc");
  const counts = Object.entries(heapStats().objectTypeCounts);
  return counts.reduce((sum, [kind, count]) => sum + (HANDLES_OF_BUN.test(kind) ? count : 0), 0);
}
