/** Decides whether what a service uses has stayed flat. */

/** What the service used at the end of a round, when only the clients that stay were connected. All processes together. */
export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  /** Streams that were opened since the start. */
  readonly connects: number;
  /** Messages that were accepted since the start. */
  readonly messages: number;
  /** Bytes. */
  readonly rss: number;
  /** Bytes after garbage collection. */
  readonly heap: number;
  readonly handles: number;
  /** File descriptors. */
  readonly files: number;
  /** The 99th percentile of the event loop's delay during the round, in milliseconds. Reported, and not judged. */
  readonly delay: number;
}

export interface Verdict {
  readonly title: string;
  /** Why the figure is not flat. Undefined if the figure is flat. */
  readonly fault?: string;
}

/** During this share of the rounds the service warms up: the history fills, and the code is compiled. */
const WARM_UP = 1 / 3;
const LEAST_ROUNDS = 4;

/** Bytes that each stream may leave in memory. A leaked client keeps 10 KB or more, and a leaked array of 100 numbers 800 bytes. */
const MOST_HEAP_PER_CONNECT = 512;
/** Bytes of code that is compiled late, and of caches. */
const HEAP_NOISE = 768 * 1024;
/** The allocator keeps pages that are partly free, so RSS follows the peaks of the load for a long time. */
const MOST_RSS_PER_CONNECT = 1024;
const RSS_NOISE = 24 * 1024 * 1024;
/** Each of the streams that stay has a timer for ten seconds after it was opened, which counts in some samples only. */
const HANDLE_NOISE = 12;
const FILE_NOISE = 3;

/** Compares the medians of the first and the second half of the rounds after the warm-up. */
export function judge(samples: readonly Sample[]): Verdict[] {
  const kept = samples.slice(Math.ceil(samples.length * WARM_UP));
  if (kept.length < LEAST_ROUNDS) {
    const fault = `${samples.length} rounds are too few. Set SOAK_MINUTES to more.`;
    return [{ title: "enough rounds to compare", fault }];
  }
  const half = Math.floor(kept.length / 2);
  const early = kept.slice(0, half);
  const late = kept.slice(-half);
  const growth = (of: (sample: Sample) => number) => median(late.map(of)) - median(early.map(of));
  const connects = growth((sample) => sample.connects);
  const limits = [
    [
      "heap",
      "bytes of heap after garbage collection",
      Math.max(HEAP_NOISE, connects * MOST_HEAP_PER_CONNECT),
    ],
    ["rss", "bytes of RSS", Math.max(RSS_NOISE, connects * MOST_RSS_PER_CONNECT)],
    ["handles", "handles", HANDLE_NOISE],
    ["files", "file descriptors", FILE_NOISE],
  ] as const;
  return limits.map(([field, words, limit]) => {
    const grown = Math.round(growth((sample) => sample[field]));
    const text = `${words} grew by ${grown} over ${connects} streams, and may grow by ${limit}`;
    return { title: text, ...(grown > limit && { fault: text }) };
  });
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
