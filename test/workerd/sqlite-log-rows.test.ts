import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { SqliteLog, type SqliteStorage } from "../../src/log/sqlite.ts";
import { formatCursor, parseCursor } from "../../src/realtime/cursor.ts";
import { ids, message } from "../suites/log/context.ts";
import type { TestEnv } from "./worker.ts";

const MANY = 10_000;
const PAGE = 10;

/** Rows in addition to a page's own: the newest row, and the few rows that trimming reads. */
const MOST_OTHER_ROWS = 10;

interface Cursor<Row> {
  readonly rowsRead: number;
  toArray(): Row[];
  [Symbol.iterator](): Iterator<Row>;
}

/** A storage that records every statement and its cursor, which counts the rows that SQLite read. */
class CountingStorage implements SqliteStorage {
  readonly #storage: DurableObjectStorage;
  #run: { readonly query: string; readonly cursor: Cursor<unknown> }[] = [];

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  readonly sql: SqliteStorage["sql"] = {
    exec: (query, ...bindings) => {
      const cursor = this.#storage.sql.exec(query, ...bindings);
      this.#run.push({ query, cursor });
      return cursor as never;
    },
  };

  transactionSync<T>(run: () => T): T {
    return this.#storage.transactionSync(run);
  }

  /** The statements since the last call, and the number of rows that they read. */
  drain(): { readonly queries: string[]; readonly rows: number } {
    const run = this.#run;
    this.#run = [];
    return {
      queries: run.map(({ query }) => query),
      rows: run.reduce((sum, { cursor }) => sum + cursor.rowsRead, 0),
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
  run: (log: SqliteLog, storage: CountingStorage, cursorAt: (sequence: number) => string) => void,
): Promise<void> {
  const { LOG_HOST } = env as unknown as TestEnv;
  const host = LOG_HOST.get(LOG_HOST.newUniqueId());
  await runInDurableObject(host, (_, { storage }) => {
    const counting = new CountingStorage(storage);
    const log = new SqliteLog({ storage: counting });
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
          const page = log[way](cursorAt(sequence), PAGE) ?? [];
          const { rows } = storage.drain();
          expect(rows, `${way} at ${sequence}`).toBeLessThanOrEqual(page.length + MOST_OTHER_ROWS);
        }
      }
    });
  });

  it("reads no more rows than its byte limit allows", async () => {
    await withLog((log, storage, cursorAt) => {
      for (const way of ["read", "readBack"] as const) {
        storage.drain();
        expect(log[way](cursorAt(MANY / 2), 1000, 1)).toHaveLength(1);
        expect(storage.drain().rows, way).toBeLessThanOrEqual(1 + MOST_OTHER_ROWS);
      }
    });
  });

  it("finds its start by the primary key and never scans the messages", async () => {
    await withLog((log, storage, cursorAt) => {
      for (const way of ["read", "readBack"] as const) {
        storage.drain();
        log[way](cursorAt(MANY / 2), PAGE);
        const pages = storage.drain().queries.filter((query) => query.startsWith("SELECT * "));
        expect(pages, way).toHaveLength(1);
        for (const query of pages) {
          const plan = storage.planOf(query);
          expect(plan, query).toContain("SEARCH messages USING INTEGER PRIMARY KEY");
          expect(plan, query).not.toMatch(/SCAN|TEMP B-TREE/);
        }
      }
    });
  });
});
