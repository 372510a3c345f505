import { describe } from "vitest";
import { fileTables } from "../../src/log/file-tables.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { logSuite } from "../suites/log.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SqlJsDatabase } from "../support/sql-js-database.ts";

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("SQLite by sql.js", NO_SQL_JS), () => {
  for (const [name, file] of [
    ["SQLite in a file", fileTables],
    ["SQLite as in a Durable Object", undefined],
  ] as const) {
    logSuite(name, async (options) => {
      const database = await SqlJsDatabase.create();
      return new SqliteLog({ ...options, database, file });
    });
  }
});
