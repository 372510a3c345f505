import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { HistoryLimits } from "../../../src/log/log.ts";
import type { Message } from "../../../src/realtime/types.ts";
import { type LogFlags, LogOpener, type LogUnderTest, message, type OpenLog } from "./context.ts";

type Step =
  | { readonly do: "append"; readonly messages: readonly Message[] }
  | { readonly do: "read"; readonly place: number; readonly limit: number }
  | { readonly do: "pass"; readonly milliseconds: number };

/** Ids are few, so that duplicates are many. */
const anyMessage = fc
  .record({ id: fc.integer({ min: 0, max: 40 }), data: fc.string({ maxLength: 30 }) })
  .map(({ id, data }) => message(`m${id}`, { data: JSON.stringify(data) }));

/** All steps together take less time than ids are remembered. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      messages: fc.array(anyMessage, { maxLength: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      place: fc.nat({ max: 60 }),
      limit: fc.nat({ max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      milliseconds: fc.nat({ max: 1500 }),
    }),
  },
);

/** What was accepted, in a plain array, with nothing clever about it. */
class Model {
  readonly accepted: { readonly message: Message; readonly at: number }[] = [];
  duplicate = 0;
  readonly #limits: HistoryLimits;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  append(messages: readonly Message[], now: number) {
    return messages.map((message) => {
      const duplicate = this.accepted.some((entry) => entry.message.id === message.id);
      if (duplicate) this.duplicate += 1;
      else this.accepted.push({ message, at: now });
      return { id: message.id, duplicate };
    });
  }

  /** How many were accepted before the oldest that is kept. */
  trimmed(now: number): number {
    let trimmed = this.accepted.length;
    while (trimmed > 0 && this.#fits(trimmed - 1, now)) trimmed -= 1;
    return trimmed;
  }

  bytes(now: number): number {
    return this.#bytesFrom(this.trimmed(now));
  }

  #fits(from: number, now: number): boolean {
    const { messages, maxAge, bytes } = this.#limits;
    const oldest = this.accepted[from];
    return (
      oldest !== undefined &&
      this.accepted.length - from <= messages &&
      now - oldest.at < maxAge &&
      this.#bytesFrom(from) <= bytes
    );
  }

  #bytesFrom(from: number): number {
    const text = this.accepted
      .slice(from)
      .map(({ message: { id, topics, data } }) => id + topics.join("") + data);
    return new TextEncoder().encode(text.join("")).length;
  }
}

/** Whatever is done to it, a log is a plain array that forgets its beginning. */
export function modelTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("whatever is appended, read and waited for", () => {
    it("behaves as a plain array that forgets its beginning", async () => {
      const limits = fc.record({
        messages: fc.oneof(fc.nat({ max: 20 }), fc.constant(1000)),
        maxAge: flags.ownClock
          ? fc.constant(1e9)
          : fc.oneof(fc.nat({ max: 5000 }), fc.constant(1e9)),
        bytes: flags.noByteBound
          ? fc.constant(1e9)
          : fc.oneof(fc.nat({ max: 400 }), fc.constant(1e9)),
      });
      const steps = fc.array(anyStep, { maxLength: 40, size: "max" });
      await fc.assert(
        fc.asyncProperty(limits, steps, async (history, todo) => {
          const log = await opener.open(history);
          await run(log, new Model(history), todo);
          await opener.closeAll();
        }),
        { numRuns: flags.fewerRuns?.runs ?? 100 },
      );
    });
  });
}

async function run(log: LogUnderTest, model: Model, steps: readonly Step[]): Promise<void> {
  /** The cursor of every place, from the one before the first message on. */
  const places = [log.log.cursor()];
  for (const step of steps) {
    if (step.do === "pass") log.pass(step.milliseconds);
    if (step.do === "append") {
      const receipts = model.append(step.messages, log.now);
      expect(await log.appendMessages(step.messages)).toEqual(receipts);
      const tailed = await log.delivered(model.accepted.length);
      places.push(...tailed.slice(places.length - 1).map(({ cursor }) => cursor));
    }
    if (step.do === "read") await expectRead(log, model, places, step);
  }
  expect(log.tailed.map((entry) => entry.message)).toEqual(
    model.accepted.map((entry) => entry.message),
  );
  const { bytes, ...counts } = await log.log.stats();
  expect(counts).toEqual({
    accepted: model.accepted.length,
    duplicate: model.duplicate,
    messages: model.accepted.length - model.trimmed(log.now),
  });
  expect(bytes).toBe(model.bytes(log.now));
}

async function expectRead(
  log: LogUnderTest,
  model: Model,
  places: readonly string[],
  { place, limit }: { readonly place: number; readonly limit: number },
): Promise<void> {
  // A place past the end stands for no cursor at all.
  const from = place < places.length ? place : undefined;
  const cursor = from === undefined ? undefined : places[from];
  const trimmed = model.trimmed(log.now);
  const start = from ?? trimmed;
  const entries = (await log.log.read(cursor, limit))?.map((entry) => entry.message);
  const expected = model.accepted.slice(start, start + limit).map((entry) => entry.message);
  expect(entries).toEqual(start < trimmed ? undefined : expected);
}
