import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileTables } from "../../../src/log/file-tables.ts";
import type { LogOptions, MessageLog } from "../../../src/log/log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { SqliteLog } from "../../../src/log/sqlite.ts";
import type { FileTables } from "../../../src/log/sqlite-options.ts";
import { parseCursor, sequenceOf } from "../../../src/realtime/cursor.ts";
import { matches } from "../../suites/log/kept-model/model.ts";
import { leftOut } from "../../support/flags.ts";
import { message, placeOf, read } from "../../support/history-under-test.ts";
import { NO_SQL_JS, SqlJsDatabase } from "../../support/sql-js-database.ts";

const TOPICS = ["chat/1", "chat/2", "chat", "other"];

const RULES = [
  { match: "chat/*", keep: 4 },
  { match: "chat", keep: 1 },
];

/** Large messages end a slice of the scan. */
const anyMessage = fc.record({
  topic: fc.constantFrom(...TOPICS),
  size: fc.constantFrom(0, 0, 0, 100_000),
  ttl: fc.constantFrom(undefined, undefined, undefined, 5),
});

const anyCase = fc.record({
  messages: fc.array(anyMessage, { minLength: 1, maxLength: 25, size: "max" }),
  history: fc.constantFrom(0, 3, 10, 100),
  keys: fc.uniqueArray(fc.constantFrom(...TOPICS, "chat/*", "*"), { minLength: 1, maxLength: 2 }),
  limit: fc.integer({ min: 1, max: 6 }),
  erased: fc.option(fc.constantFrom("chat/1", "other"), { nil: undefined }),
  /** After this page, the `ttl` has passed and the topic `erasedLater` is erased. */
  change: fc.nat({ max: 3 }),
  erasedLater: fc.constantFrom("chat/2", "none"),
});

type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never;

type Open = (options: LogOptions) => Promise<MessageLog> | MessageLog;

/** A log with the messages of a case, of which some are erased. */
async function filled(open: Open, { messages, history, erased }: Case) {
  const clock = { time: 1_000_000_000_000 };
  const limits = { messages: history, maxAge: 1e9, bytes: 1e9 };
  const log = await open({ topics: RULES, history: limits, now: () => clock.time });
  for (const [index, { topic, size, ttl }] of messages.entries()) {
    const data = JSON.stringify("x".repeat(size));
    await log.append([
      message(`m${index + 1}`, topic, ttl === undefined ? { data } : { data, ttl }),
    ]);
  }
  if (erased !== undefined) await log.erase(erased);
  return { log, clock };
}

/** The ids of all messages that can be read, oldest first. */
async function readable(log: MessageLog, keys: readonly string[], after = 0): Promise<string[]> {
  const page = await log.read(undefined, 1e6);
  return (page?.entries ?? [])
    .filter((entry) => sequenceOf(entry.cursor) > after)
    .map(({ message }) => message)
    .filter((one) =>
      keys.some((key) => matches(key, { sequence: 0, at: 0, size: 0, message: one })),
    )
    .map(({ id }) => id);
}

async function expectBackwards(open: Open, example: Case): Promise<void> {
  const { keys: topics, limit, change, erasedLater } = example;
  const { log, clock } = await filled(open, example);
  const atStart = await readable(log, topics);
  const got: string[] = [];
  let before: string | undefined;
  for (let count = 0; ; count++) {
    const page = await read(
      log,
      before === undefined ? { topics, limit } : { topics, limit, before },
    );
    got.unshift(...page.ids);
    expect(page.ids.length).toBeLessThanOrEqual(limit);
    const oldest = page.messages[0];
    if (!page.more) break;
    if (oldest === undefined) expect.fail("A page without messages has more.");
    before = oldest.cursor;
    if (count !== change) continue;
    clock.time += 5000;
    await log.erase(erasedLater);
  }
  expect(got, "no message twice, oldest first").toEqual(atStart.filter((id) => got.includes(id)));
  const atEnd = await readable(log, topics);
  expect(
    atEnd.filter((id) => !got.includes(id)),
    "missing",
  ).toEqual([]);
}

async function expectForwards(open: Open, example: Case): Promise<void> {
  const { keys: topics, limit, messages } = example;
  const { log } = await filled(open, example);
  const trimmedTo = (await log.read(undefined, 1))?.trimmedTo ?? 0;
  for (let start = 0; start <= messages.length; start++) {
    let after = placeOf(log, start);
    if (start < trimmedTo) {
      await expect(read(log, { topics, after })).rejects.toMatchObject({ code: "unknown_cursor" });
      continue;
    }
    const got: string[] = [];
    for (let more = true; more; ) {
      const page = await read(log, { topics, limit, after });
      got.push(...page.ids);
      after = page.cursor;
      more = page.more;
    }
    expect(got).toEqual(await readable(log, topics, start));
    expect(parseCursor(after)).toEqual(parseCursor(log.cursor()));
  }
}

async function openSqlite(options: LogOptions, file?: FileTables): Promise<MessageLog> {
  return new SqliteLog({ ...options, database: await SqlJsDatabase.create(), file });
}

for (const [name, open, reason] of [
  ["in memory", createMemoryLog, undefined],
  ["in a SQLite file", (options: LogOptions) => openSqlite(options, fileTables), NO_SQL_JS],
  ["in a Durable Object", (options: LogOptions) => openSqlite(options), NO_SQL_JS],
] as const) {
  describe.skipIf(reason !== undefined)(leftOut(`the history of a log ${name}`, reason), () => {
    it("is read back page by page to the oldest kept message, with every message once", async () => {
      const property = fc.asyncProperty(anyCase, (example) => expectBackwards(open, example));
      await fc.assert(property, { numRuns: 60 });
    });

    it("is read on page by page from each position within the limits, and from no other", async () => {
      const property = fc.asyncProperty(anyCase, (example) => expectForwards(open, example));
      await fc.assert(property, { numRuns: 30 });
    });

    it("is read back from a cursor that is older than the limits, and from that of an erased message", async () => {
      const options = { topics: RULES, history: { messages: 2 } };
      const log = await open(options);
      for (const id of ["a", "b", "c"]) await log.append([message(id, "chat/1")]);
      await log.append([message("d", "chat/2"), message("e", "other"), message("f", "other")]);
      const topics = ["chat/*"];
      const from = (sequence: number) => read(log, { topics, before: placeOf(log, sequence) });
      expect(await from(3)).toMatchObject({ ids: ["a", "b"], more: false });
      await log.erase("chat/2");
      expect(await from(4)).toMatchObject({ ids: ["a", "b", "c"], more: false });
      expect(await read(log, { topics, limit: 2 })).toMatchObject({ ids: ["b", "c"], more: true });
    });
  });
}
