import { describe, expect, it } from "vitest";
import { fileTables } from "../../src/log/file-tables.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import type { LogPage } from "../../src/realtime/types.ts";
import { idsOf, message } from "../suites/log/context.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SqlJsDatabase } from "../support/sql-js-database.ts";

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("a SQLite log", NO_SQL_JS), () => {
  it("continues its sequence when it is opened again, although it remembers no ids", async () => {
    const database = await SqlJsDatabase.create();
    const open = () => new SqliteLog({ database, file: fileTables, rememberedIds: { count: 0 } });
    open().append([message("user\ttab\ta"), message("user\ttab\tb")]);
    const log = open();
    expect(parseCursor(log.cursor())?.sequence).toBe(2);
    log.append([message("user\ttab\tc")]);
    const ids = ["user\ttab\ta", "user\ttab\tb", "user\ttab\tc"];
    expect(idsOf(log.read(undefined, 10)?.entries)).toEqual(ids);
  });

  it("corrects times in the future after a transaction that was to correct them failed", async () => {
    const clock = { time: 1_000_000_000_000 };
    const database = await SqlJsDatabase.create();
    const log = new SqliteLog({ database, now: () => clock.time, history: { maxAge: 1000 } });
    log.append([message("a")]);
    clock.time -= 3_600_000;
    database.failAfter(0);
    // A read works although the transaction fails.
    expect(log.stats().messages).toBe(1);
    database.heal();
    expect(log.stats().messages).toBe(1);
    clock.time += 1000;
    expect(log.stats().messages).toBe(0);
  });

  it("a page ends early among many erased messages, and the pages together have every other message", async () => {
    const database = await SqlJsDatabase.create();
    const log = new SqliteLog({ database, file: fileTables, history: { messages: 50_000 } });
    log.append([message("first")]);
    log.append(
      Array.from({ length: 25_000 }, (_, index) => message(`erased${index}`, { topics: ["b"] })),
    );
    log.append([message("last")]);
    log.erase("b");
    const shard = log.cursor().replace(/\d+$/, "");
    const readAll = (read: (cursor: string | undefined) => LogPage | undefined, last: number) => {
      const pages: unknown[] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = read(cursor);
        pages.push(idsOf(page?.entries));
        if (page === undefined || page.end === last || pages.length > 5) return pages;
        cursor = `${shard}${page.end}`;
      }
    };
    const forwards = readAll((after) => log.read(after, 10), 25_002);
    expect(forwards).toEqual([["first"], [], ["last"]]);
    const backwards = readAll((before) => log.readBack(before, 10), 0);
    expect(backwards).toEqual([["last"], [], ["first"]]);
  });

  it("deletes old ids in slices too", async () => {
    const clock = { time: 1_000_000_000_000 };
    const database = await SqlJsDatabase.create();
    const rememberedIds = { count: 1000, maxAge: 1000 };
    const open = (count: number) =>
      new SqliteLog({
        ...{ database, file: fileTables, maxDeletes: 10, now: () => clock.time },
        rememberedIds: { ...rememberedIds, count },
      });
    const rows = () => database.all("SELECT id FROM message_ids").length;
    const log = open(1000);
    log.append(Array.from({ length: 35 }, (_, index) => message(`${index}`)));
    clock.time += 1000;
    expect(log.append([message("1")])).toEqual([{ id: "1", duplicate: false }]);
    expect(rows()).toBe(26);
    expect([log.trim(), log.trim(), log.trim()]).toEqual([true, true, false]);
    expect(rows()).toBe(1);
    log.append(Array.from({ length: 35 }, (_, index) => message(`more${index}`)));
    const smaller = open(5);
    expect(smaller.trim()).toBe(true);
    expect(rows()).toBe(26);
    while (smaller.trim());
    expect(rows()).toBe(5);
  });

  it("reads only the messages of hundreds of topics and patterns, in the order of the log", async () => {
    const database = await SqlJsDatabase.create();
    const log = new SqliteLog({ database, file: fileTables });
    const topics = Array.from({ length: 300 }, (_, n) => (n % 2 === 0 ? `a/${n}` : `b/${n}/*`));
    const wanted = ["1", "2", "3", "4"];
    for (const [index, topic] of ["b/7/x", "a/298", "a/0", "b/299/y/z"].entries()) {
      const others = ["a/1", "b/7", "c"].map((other) => {
        return message(`${index} ${other}`, { topics: [other] });
      });
      log.append([...others, message(`${index + 1}`, { topics: [topic] })]);
    }
    expect(idsOf(log.read(undefined, 10, undefined, topics)?.entries)).toEqual(wanted);
    const back = log.readBack(undefined, 10, undefined, topics);
    expect(idsOf(back?.entries)).toEqual(wanted.toReversed());
  });
});
