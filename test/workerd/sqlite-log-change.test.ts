import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { message } from "../suites/log/context.ts";
import type { TestEnv } from "./worker.ts";

/** The tables before the column `change` was added, with one message. */
const OLD_TABLES = `
  CREATE TABLE message_ids (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    fingerprint INTEGER
  );
  CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    private INTEGER NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL
  );
  INSERT INTO message_ids VALUES (1, 'old', ${Date.now()}, NULL);
  INSERT INTO messages VALUES (1, 'old', '["posts"]', '{"n":1}', 0, ${Date.now()}, 15);
`;

describe("a log that an older release wrote", () => {
  it("still has its messages, and stores the change of a new message", async () => {
    const { LOG_HOST } = env as unknown as TestEnv;
    const host = LOG_HOST.get(LOG_HOST.newUniqueId());
    await runInDurableObject(host, (_, { storage }) => {
      storage.sql.exec(OLD_TABLES);
      const old = { id: "old", topics: ["posts"], data: '{"n":1}', private: false };
      const added = message("new", { change: '{"collection":{"name":"posts"}}' });
      for (let opened = 0; opened < 2; opened++) {
        const log = new SqliteLog({ database: new StorageDatabase(storage) });
        expect(log.append([added])).toEqual([{ id: "new", duplicate: opened > 0 }]);
        const entries = log.read(undefined, 10)?.entries ?? [];
        expect(entries.map((entry) => entry.message)).toEqual([old, added]);
        expect(log.stats()).toMatchObject({ messages: 2 });
      }
    });
  });
});
