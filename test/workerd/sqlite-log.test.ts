import { env, runInDurableObject } from "cloudflare:test";
import type { MessageLog } from "../../src/log/log.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { logSuite, type OpenLogOptions } from "../suites/log.ts";
import type { TestEnv } from "./worker.ts";

/** A log in a new object. Every call runs inside the object, because only the object may access its storage. */
async function open(options: OpenLogOptions): Promise<MessageLog> {
  const { LOG_HOST } = env as unknown as TestEnv;
  const host = LOG_HOST.get(LOG_HOST.newUniqueId());
  const inside = <T>(run: (log: SqliteLog) => T): Promise<T> =>
    runInDurableObject(host, () => run(log));
  const log = await runInDurableObject(
    host,
    (_, { storage }) => new SqliteLog({ ...options, database: new StorageDatabase(storage) }),
  );
  return {
    append: (messages) => inside((log) => log.append(messages)),
    tail: (listener) => log.tail(listener),
    cursor: () => log.cursor(),
    hasReached: (cursor) => log.hasReached(cursor),
    keepsHistory: log.keepsHistory,
    read: (...all) => inside((log) => log.read(...all)),
    readBack: (...all) => inside((log) => log.readBack(...all)),
    erase: (topic) => inside((log) => log.erase(topic)),
    stats: () => inside((log) => log.stats()),
    close: () => log.close(),
  };
}

logSuite("SQLite in a Durable Object", open, {
  fewerRuns: { runs: 20, reason: "each message is a few SQL statements in an object of its own" },
});
