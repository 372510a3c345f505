import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { message } from "../suites/log/context.ts";
import type { TestEnv } from "./worker.ts";

const HOUR = 3_600_000;
const MAX_AGE = 60_000;

/** Runs inside a new object, with a log and a function that sets its clock. */
function withLog(run: (log: SqliteLog, clock: { time: number }, wake: () => SqliteLog) => void) {
  const { LOG_HOST } = env as unknown as TestEnv;
  return runInDurableObject(LOG_HOST.get(LOG_HOST.newUniqueId()), (_, { storage }) => {
    const clock = { time: Date.now() };
    const wake = () =>
      new SqliteLog({
        database: new StorageDatabase(storage),
        history: { maxAge: MAX_AGE },
        now: () => clock.time,
      });
    run(wake(), clock, wake);
  });
}

describe("a log in SQLite after its clock was set back", () => {
  for (const isAwake of [true, false]) {
    it(`expires earlier messages and ids by the new clock, ${isAwake ? "without" : "after"} an eviction`, () =>
      withLog((first, clock, wake) => {
        first.append([message("a"), message("b")]);
        clock.time -= HOUR;
        const log = isAwake ? first : wake();
        clock.time += 1000;
        log.append([message("c")]);
        expect(log.stats().messages, "no message is lost").toBe(3);
        expect(log.append([message("a")])[0]?.duplicate).toBe(true);
        clock.time += MAX_AGE;
        expect(log.stats().messages, "no message is kept for an hour").toBe(0);
        clock.time += 300_000;
        expect(log.append([message("a")])[0]?.duplicate).toBe(false);
      }));
  }

  it("keeps the order of its messages, and their cursors", () =>
    withLog((log, clock) => {
      log.append([message("a")]);
      const cursor = log.cursor();
      clock.time -= HOUR;
      log.append([message("b")]);
      expect(log.read(cursor, 10)?.entries.map((entry) => entry.message.id)).toEqual(["b"]);
      expect(log.read(undefined, 10)?.entries.map((entry) => entry.message.id)).toEqual(["a", "b"]);
    }));
});
