import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { SqlValue } from "../../src/log/sql.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { formatCursor, parseCursor } from "../../src/realtime/cursor.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { ids, message } from "../suites/log/context.ts";
import type { TestEnv } from "./worker.ts";

const MANY = 10_000;
const PAGE = 10;

/** Rows in addition to a page's own: the newest row, and the few rows that trimming reads. */
const MOST_OTHER_ROWS = 10;

/** Number of rows that the log reads at a time to learn their sizes. */
const SIZES = 64;

/** A database that records every query and the number of rows that SQLite read for it. */
class CountingDatabase extends StorageDatabase {
  readonly #storage: DurableObjectStorage;
  #run: { readonly query: string; readonly rowsRead: number }[] = [];

  constructor(storage: DurableObjectStorage) {
    super(storage);
    this.#storage = storage;
  }

  override all<Row extends object>(query: string, ...bindings: readonly SqlValue[]): Row[] {
    const cursor = this.#storage.sql.exec(query, ...bindings);
    const rows = cursor.toArray();
    this.#run.push({ query, rowsRead: cursor.rowsRead });
    return rows as unknown as Row[];
  }

  /** The queries since the last call, and the number of rows that they read. */
  drain(): { readonly queries: string[]; readonly rows: number } {
    const run = this.#run;
    this.#run = [];
    return {
      queries: run.map(({ query }) => query),
      rows: run.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    };
  }

  /** SQLite's query plan of a statement. */
  planOf(query: string): string {
    const bindings = [...query].filter((letter) => letter === "?").map(() => 1);
    const plan = this.#storage.sql.exec<{ detail: string }>(
      `EXPLAIN QUERY PLAN ${query}`,
      ...bindings,
    );
    return plan
      .toArray()
      .map(({ detail }) => detail)
      .join("\n");
  }
}

/** Runs in an object with a log of `MANY` messages. */
async function withLog(
  run: (log: SqliteLog, storage: CountingDatabase, cursorAt: (sequence: number) => string) => void,
): Promise<void> {
  const { LOG_HOST } = env as unknown as TestEnv;
  const host = LOG_HOST.get(LOG_HOST.newUniqueId());
  await runInDurableObject(host, (_, { storage }) => {
    const counting = new CountingDatabase(storage);
    const log = new SqliteLog({ database: counting });
    for (const batch of ids(MANY / 1000)) {
      log.append(ids(1000, `${batch}:`).map((id) => message(id)));
    }
    const newest = parseCursor(log.cursor());
    if (newest?.sequence !== MANY) throw new Error(`The log is at ${log.cursor()}.`);
    run(log, counting, (sequence) => formatCursor({ ...newest, sequence }));
  });
}

const SEQUENCES = [0, 1, MANY / 2, MANY - PAGE, MANY];

describe(`reading a page of ${MANY} messages in SQLite`, () => {
  it("reads the rows of the page and few others, wherever the page starts", async () => {
    await withLog((log, storage, cursorAt) => {
      for (const sequence of SEQUENCES) {
        for (const way of ["read", "readBack"] as const) {
          storage.drain();
          const page = log[way](cursorAt(sequence), PAGE)?.entries ?? [];
          const { rows } = storage.drain();
          expect(rows, `${way} at ${sequence}`).toBeLessThanOrEqual(
            2 * page.length + MOST_OTHER_ROWS,
          );
        }
      }
    });
  });

  it("reads few more rows than its byte limit allows", async () => {
    await withLog((log, storage, cursorAt) => {
      for (const way of ["read", "readBack"] as const) {
        storage.drain();
        expect(log[way](cursorAt(MANY / 2), 1000, 1)?.entries).toHaveLength(1);
        expect(storage.drain().rows, way).toBeLessThanOrEqual(1 + SIZES + MOST_OTHER_ROWS);
      }
    });
  });

  it("finds its start by the primary key and never scans the messages", async () => {
    await withLog((log, storage, cursorAt) => {
      for (const way of ["read", "readBack"] as const) {
        storage.drain();
        log[way](cursorAt(MANY / 2), PAGE);
        const reads = /^SELECT (\*|sequence, size) /;
        const pages = storage.drain().queries.filter((query) => reads.test(query));
        // The sizes of both tables in one query, then the rows of each table.
        expect(pages, way).toHaveLength(3);
        for (const query of pages) {
          const plan = storage.planOf(query);
          expect(plan, query).toMatch(/SEARCH (kept_)?messages USING INTEGER PRIMARY KEY/);
          expect(plan, query).not.toMatch(/SCAN|TEMP B-TREE/);
        }
      }
    });
  });
});
