import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SqliteDatabase } from "../../../../src/runtimes/process/sqlite-database.ts";
import {
  describeLibraries,
  removeFoldersAfterEach,
  temporaryFolder,
} from "../../../support/sqlite-libraries.ts";

describeLibraries("a SQLite file", (open) => {
  let path: string;
  let database: SqliteDatabase;
  beforeEach(() => {
    path = join(temporaryFolder(), "test.sqlite");
    database = new SqliteDatabase(open(path));
    database.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT, big INTEGER)");
  });
  afterEach(() => database.close());
  removeFoldersAfterEach();

  const numbers = () => database.all<{ n: number }>("SELECT n FROM t ORDER BY n").map(({ n }) => n);

  it("returns what was stored: text, null, and whole numbers of 53 bits", () => {
    const big = Number.MAX_SAFE_INTEGER;
    database.exec("INSERT INTO t (n, text, big) VALUES (?, ?, ?)", 1, 'ü\t😀"\n', big);
    database.exec("INSERT INTO t (n, text, big) VALUES (?, ?, ?)", 2, null, -big);
    const rows = database.all<{ n: number; text: string | null; big: number }>("SELECT * FROM t");
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { n: 1, text: 'ü\t😀"\n', big },
      { n: 2, text: null, big: -big },
    ]);
  });

  it("stores numbers as integers, also where SQLite compares and limits", () => {
    for (const n of [1, 2, 3, 4]) database.exec("INSERT INTO t (n) VALUES (?)", n);
    const rows = database.all<{ n: number; type: string }>(
      "SELECT n, typeof(n) AS type FROM t WHERE n > ? ORDER BY n LIMIT ?",
      1,
      2,
    );
    expect(rows.map(({ n, type }) => [n, type])).toEqual([
      [2, "integer"],
      [3, "integer"],
    ]);
  });

  it("returns the rows of a statement that deletes", () => {
    for (const n of [1, 2, 3]) database.exec("INSERT INTO t (n) VALUES (?)", n);
    const deleted = database.all<{ n: number }>("DELETE FROM t WHERE n < ? RETURNING n", 3);
    expect(deleted.map(({ n }) => n)).toEqual([1, 2]);
    expect(numbers()).toEqual([3]);
  });

  it("runs several statements at once", () => {
    database.exec("INSERT INTO t (n) VALUES (1); INSERT INTO t (n) VALUES (2)");
    expect(numbers()).toEqual([1, 2]);
  });

  it("keeps all of a transaction, or none of it when its function throws", () => {
    expect(
      database.transaction(() => {
        database.exec("INSERT INTO t (n) VALUES (?)", 1);
        return "result";
      }),
    ).toBe("result");
    const failing = () =>
      database.transaction(() => {
        database.exec("INSERT INTO t (n) VALUES (?)", 2);
        throw new Error("stop");
      });
    expect(failing).toThrow("stop");
    expect(numbers()).toEqual([1]);
    database.transaction(() => database.exec("INSERT INTO t (n) VALUES (?)", 3));
    expect(numbers()).toEqual([1, 3]);
  });

  it("goes on after a transaction that the full file has ended", () => {
    database.exec("PRAGMA max_page_count = 4");
    const fill = () =>
      database.transaction(() =>
        database.exec("INSERT INTO t (n, text) VALUES (?, ?)", 1, "x".repeat(100_000)),
      );
    expect(fill).toThrow(/full/);
    expect(fill).toThrow(/full/);
    expect(numbers()).toEqual([]);
    database.transaction(() => database.exec("INSERT INTO t (n) VALUES (?)", 2));
    expect(numbers()).toEqual([2]);
  });

  it("runs more statements than it keeps prepared", () => {
    for (let n = 1; n <= 250; n++) database.exec(`INSERT INTO t (n, text) VALUES (?, 'a${n}')`, n);
    for (let n = 1; n <= 250; n++) {
      const [row] = database.all<{ text: string }>(`SELECT text FROM t WHERE n = ${n}`);
      expect(row?.text).toBe(`a${n}`);
    }
  });

  it("moves the write-ahead log into the file when it is closed", () => {
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("INSERT INTO t (n) VALUES (?)", 1);
    expect(numbers()).toEqual([1]);
    expect(existsSync(`${path}-wal`)).toBe(true);
    database.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    database = new SqliteDatabase(open(path));
    expect(numbers()).toEqual([1]);
  });
});
