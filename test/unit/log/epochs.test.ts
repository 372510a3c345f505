import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Epoch, EpochChain, MAX_EPOCHS } from "../../../src/log/epochs.ts";

const FIRST: Epoch = { name: "first", start: 0 };

/** A log as a list of messages. No two messages are the same. */
interface Log {
  readonly epochs: readonly [Epoch, ...Epoch[]];
  readonly messages: readonly number[];
}

/** A cursor, and the messages up to it in the log that it came from. */
interface ModelCursor {
  readonly epoch: string;
  readonly messages: readonly number[];
}

type Step =
  | { readonly do: "append"; readonly log: number; readonly count: number }
  /**
   * A log is opened. It is one of the states that any log ever had: the newest one after a restart, an earlier one when the tail was
   * lost, or that of a copy. With `isInstead`, the log that had the state no longer exists.
   */
  | { readonly do: "open"; readonly state: number; readonly isInstead: boolean };

const index = fc.nat({ max: 1000 });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      log: index,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      state: index,
      isInstead: fc.boolean(),
    }),
  },
);

/** Logs that fork, and every cursor that one of them ever gave. */
class Forks {
  readonly logs: Log[] = [{ epochs: [FIRST], messages: [] }];
  readonly cursors: ModelCursor[] = [];
  /** Every state that a log had, with the index of the log. */
  readonly #states: { readonly log: Log; readonly index: number }[] = [];
  #messages = 0;

  constructor() {
    this.#record(0);
  }

  take(step: Step): void {
    if (step.do === "append") {
      const index = step.log % this.logs.length;
      for (let count = 0; count < step.count; count++) this.#append(index);
      return;
    }
    const state = this.#states[step.state % this.#states.length];
    if (state === undefined) return;
    const { messages, epochs } = state.log;
    const chain = new EpochChain(epochs);
    const epoch = { name: `epoch ${this.#states.length}`, start: messages.length };
    expect(chain.begin(epoch)).toEqual([]);
    expect(chain.newest).toEqual(epoch);
    const index = step.isInstead ? state.index : this.logs.length;
    this.logs[index] = { epochs: [...epochs, epoch], messages };
    this.#record(index);
  }

  #append(index: number): void {
    const log = this.#logAt(index);
    this.#messages += 1;
    this.logs[index] = { ...log, messages: [...log.messages, this.#messages] };
    this.#record(index);
  }

  /** Records the state, the cursor of the log and those of its messages. */
  #record(index: number): void {
    const log = this.#logAt(index);
    this.#states.push({ log, index });
    const chain = new EpochChain(log.epochs);
    this.cursors.push({ epoch: chain.newest.name, messages: log.messages });
    for (let sequence = 0; sequence <= log.messages.length; sequence++) {
      this.cursors.push({
        epoch: chain.nameOf(sequence),
        messages: log.messages.slice(0, sequence),
      });
    }
  }

  #logAt(index: number): Log {
    const log = this.logs[index];
    if (log === undefined) throw new Error(`There is no log ${index}.`);
    return log;
  }
}

describe("an epoch chain", () => {
  it("says for every cursor of every fork whether it names the same messages, and refuses the others", () => {
    const property = fc.property(fc.array(anyStep, { maxLength: 25, size: "max" }), (steps) => {
      const forks = new Forks();
      for (const step of steps) forks.take(step);
      for (const { epochs, messages } of forks.logs) {
        const chain = new EpochChain(epochs);
        for (const cursor of forks.cursors) {
          const { length } = cursor.messages;
          const isAccepted = length <= Math.min(chain.endOf(cursor.epoch) ?? -1, messages.length);
          const isKnown = epochs.some(({ name }) => name === cursor.epoch);
          const isRight =
            length <= messages.length &&
            cursor.messages.every((message, place) => messages[place] === message);
          // An epoch that begins after the position may have the same messages, but the log has not seen it.
          if (isAccepted !== (isRight && isKnown)) {
            expect.fail(`${JSON.stringify({ cursor, epochs, messages, isAccepted })}`);
          }
        }
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("names the epoch in which a message was appended, also when epochs have no messages", () => {
    const chain = new EpochChain([FIRST]);
    for (const [name, start] of [
      ["b", 0],
      ["c", 3],
      ["d", 3],
      ["e", 5],
    ] as const) {
      chain.begin({ name, start });
    }
    const names = [0, 1, 3, 4, 5, 6, 100].map((sequence) => chain.nameOf(sequence));
    expect(names).toEqual(["first", "b", "b", "d", "d", "e", "e"]);
    const ends = ["first", "b", "c", "d", "e", "f"].map((name) => chain.endOf(name));
    expect(ends).toEqual([0, 3, 3, 5, Number.POSITIVE_INFINITY, undefined]);
  });

  it("forgets the oldest epochs beyond the maximum, and names a message of theirs after the oldest epoch left", () => {
    const chain = new EpochChain([FIRST]);
    const forgotten: string[] = [];
    for (let start = 1; start <= MAX_EPOCHS + 4; start++) {
      for (const { name } of chain.begin({ name: `e${start}`, start })) forgotten.push(name);
    }
    expect(forgotten).toEqual(["first", "e1", "e2", "e3", "e4"]);
    expect(forgotten.map((name) => chain.endOf(name))).toEqual(Array(5).fill(undefined));
    expect([0, 1, 5].map((sequence) => chain.nameOf(sequence))).toEqual(["e5", "e5", "e5"]);
    expect(chain.endOf("e5")).toBe(6);
    expect(chain.nameOf(7)).toBe("e6");
  });
});
