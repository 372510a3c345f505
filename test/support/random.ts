/** Choices that the same seed repeats. Their timing is not repeated. */
export interface Random {
  /** A number from 0 to 1, without 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** `count` of the items, or all of them if there are fewer, in random order. */
  sample<T>(items: Iterable<T>, count: number): T[];
}

/** mulberry32, by Tommy Ettinger (public domain). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new Error("There is nothing to pick from");
      return items[between(0, items.length - 1)] as (typeof items)[number];
    },
    sample: (items, count) => {
      const left = [...items];
      const wanted = Math.min(count, left.length);
      return Array.from({ length: wanted }, () =>
        left.splice(between(0, left.length - 1), 1),
      ).flat();
    },
  };
}
