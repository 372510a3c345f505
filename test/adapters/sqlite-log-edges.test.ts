import { describe, expect, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import { idsOf, message } from "../suites/log/context.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SimulatedFailure, SqlJsDatabase } from "../support/sql-js-database.ts";

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("a SQLite log", NO_SQL_JS), () => {
  it("continues its sequence when it is opened again, although it remembers no ids", async () => {
    const database = await SqlJsDatabase.create();
    const open = () => new SqliteLog({ database, isFile: true, rememberedIds: { count: 0 } });
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
    expect(() => log.stats()).toThrow(SimulatedFailure);
    expect(log.stats().messages).toBe(1);
    clock.time += 1000;
    expect(log.stats().messages).toBe(0);
  });
});
