import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { HistoryLimits } from "../../../src/log/log.ts";
import type { LogEntry, Message } from "../../../src/realtime/types.ts";
import {
  completePage,
  type LogFlags,
  LogOpener,
  type LogUnderTest,
  message,
  type OpenLog,
  reverse,
} from "./context.ts";

type Step =
  | { readonly do: "append"; readonly messages: readonly Message[] }
  | ({ readonly do: "read" } & Reading)
  | { readonly do: "pass"; readonly milliseconds: number };

/** One page; "back" is newest first, before the position. */
interface Reading {
  readonly back: boolean;
  readonly position: number;
  readonly limit: number;
  readonly maxBytes: number | undefined;
}

/** Few ids, so that there are many duplicates. Some duplicates have other content. */
const anyMessage = fc
  .record({
    id: fc.integer({ min: 0, max: 40 }),
    version: fc.constantFrom(...Array(20).fill(0), 1),
  })
  .map(({ id, version }) => {
    const data = JSON.stringify("é".repeat(id % 30) + version);
    return message(`m${id}`, { data });
  });

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
      back: fc.boolean(),
      position: fc.nat({ max: 60 }),
      limit: fc.nat({ max: 12 }),
      maxBytes: fc.option(fc.nat({ max: 200 }), { nil: undefined }),
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

interface Accepted {
  readonly message: Message;
  readonly at: number;
}

/** The reference: all accepted messages in a plain array. */
class Model {
  readonly accepted: Accepted[] = [];
  duplicate = 0;
  readonly #limits: HistoryLimits;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** Whether an id has other content than before. */
  refuses(messages: readonly Message[]): boolean {
    const all = [...this.accepted.map((entry) => entry.message), ...messages];
    const first = (id: string) => all.find((message) => message.id === id);
    return messages.some(({ id, data }) => first(id)?.data !== data);
  }

  append(messages: readonly Message[], now: number) {
    return messages.map((message) => {
      const duplicate = this.accepted.some((entry) => entry.message.id === message.id);
      if (duplicate) this.duplicate += 1;
      else this.accepted.push({ message, at: now });
      return { id: message.id, duplicate };
    });
  }

  /** The number of messages that were accepted before the oldest one kept. */
  trimmed(now: number): number {
    let trimmed = this.accepted.length;
    while (trimmed > 0 && this.#fits(trimmed - 1, now)) trimmed -= 1;
    return trimmed;
  }

  bytes(now: number): number {
    return bytesOf(this.accepted.slice(this.trimmed(now)));
  }

  /** The page of `candidates`: as many as both limits allow, and at least one whatever its bytes. */
  page(candidates: readonly Accepted[], { limit, maxBytes = 1e9 }: Reading): Message[] {
    const fits = (count: number) => count === 1 || bytesOf(candidates.slice(0, count)) <= maxBytes;
    let count = Math.min(limit, candidates.length);
    while (count > 0 && !fits(count)) count -= 1;
    return candidates.slice(0, count).map(({ message }) => message);
  }

  #fits(from: number, now: number): boolean {
    const { messages, maxAge, bytes } = this.#limits;
    const oldest = this.accepted[from];
    return (
      oldest !== undefined &&
      this.accepted.length - from <= messages &&
      now - oldest.at < maxAge &&
      bytesOf(this.accepted.slice(from)) <= bytes
    );
  }
}

function bytesOf(accepted: readonly Accepted[]): number {
  const text = accepted.map(({ message: { id, topics, data } }) => id + topics.join("") + data);
  return new TextEncoder().encode(text.join("")).length;
}

/** Compares a log with a plain array that drops its oldest entries. */
export function modelTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("any sequence of appends, reads and waits", () => {
    it("gives the same results as a plain array that drops its oldest entries", async () => {
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
  /** The cursor of every position, from the position before the first message on. */
  const cursors = [log.log.cursor()];
  for (const step of steps) {
    if (step.do === "pass") log.pass(step.milliseconds);
    if (step.do === "append" && model.refuses(step.messages)) {
      const refused = log.appendMessages(step.messages);
      await expect(refused).rejects.toMatchObject({ code: "id_reused" });
    } else if (step.do === "append") {
      const receipts = model.append(step.messages, log.now);
      expect(await log.appendMessages(step.messages)).toEqual(receipts);
      const tailed = await log.delivered(model.accepted.length);
      cursors.push(...tailed.slice(cursors.length - 1).map(({ cursor }) => cursor));
    }
    if (step.do === "read") await expectRead(log, model, cursors, step);
  }
  expect(log.tailed.map((entry) => entry.message)).toEqual(
    model.accepted.map((entry) => entry.message),
  );
  const { bytes, kept: _, ...counts } = await log.log.stats();
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
  cursors: readonly string[],
  reading: Reading,
): Promise<void> {
  const { back, position, limit, maxBytes } = reading;
  // A position after the end means a read without a cursor.
  const from = position < cursors.length ? position : undefined;
  const cursor = from === undefined ? undefined : cursors[from];
  const trimmed = model.trimmed(log.now);
  const kept = model.accepted.slice(trimmed);
  if (back) {
    const page = await log.log.readBack(cursor, limit, maxBytes);
    // The first cursor is before the first message, the second is that message's cursor.
    const end = from === undefined ? kept.length : Math.max(from - 1 - trimmed, 0);
    expect(messagesOf(page?.entries)).toEqual(model.page(reverse(kept.slice(0, end)), reading));
  } else {
    const page = completePage(await log.log.read(cursor, limit, maxBytes), cursor);
    const start = (from ?? trimmed) - trimmed;
    const expected = start < 0 ? undefined : model.page(kept.slice(start), reading);
    expect(messagesOf(page?.entries)).toEqual(expected);
  }
}

function messagesOf(entries: readonly LogEntry[] | undefined): Message[] | undefined {
  return entries?.map(({ message }) => message);
}
