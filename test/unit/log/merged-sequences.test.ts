import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MergedSequences, SequenceList } from "../../../src/log/merged-sequences.ts";

const anyLists = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 40 })), { maxLength: 6 });

describe("MergedSequences", () => {
  it("has each sequence of the lists after a position once, in the order of the read", () => {
    fc.assert(
      fc.property(
        anyLists,
        fc.integer({ min: 0, max: 41 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 7 }),
        (lists, position, isRising, chunk, limit) => {
          const order = (a: number, b: number) => (isRising ? a - b : b - a);
          const rest = (list: readonly number[], from: number) =>
            list.filter((n) => (isRising ? n > from : n < from)).sort(order);
          const merged = new MergedSequences(
            lists.map(
              (list) => new SequenceList((from) => rest(list, from).slice(0, chunk), position),
            ),
            isRising,
          );
          const taken: number[] = [];
          for (let next = merged.take(limit); next.length > 0; next = merged.take(limit)) {
            expect(next.length).toBeLessThanOrEqual(limit);
            taken.push(...next);
          }
          expect(taken).toEqual(rest([...new Set(lists.flat())], position));
        },
      ),
    );
  });
});
