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

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** The tables before the column `traceparent` was added, with a kept message and one within the history. */
const UNTRACED_TABLES = `
  CREATE TABLE message_ids (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    fingerprint INTEGER
  );
  INSERT INTO message_ids VALUES (1, 'm0', ${Date.now()}, NULL), (2, 'm1', ${Date.now()}, NULL);
${["kept_messages", "messages"]
  .map(
    (table, index) => `
  CREATE TABLE ${table} (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    private INTEGER NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    change TEXT,
    ttl INTEGER,
    expires_at INTEGER
  );
  INSERT INTO ${table} VALUES
    (${index + 1}, 'm${index}', '["chat"]', '${index}', 0, ${Date.now()}, 8, NULL, NULL, NULL);
`,
  )
  .join("")}`;

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

  it("stores the trace context of a new message, and keeps it when a rule keeps the message", async () => {
    const { LOG_HOST } = env as unknown as TestEnv;
    const host = LOG_HOST.get(LOG_HOST.newUniqueId());
    await runInDurableObject(host, (_, { storage }) => {
      storage.sql.exec(UNTRACED_TABLES);
      const options = { history: { messages: 1 }, topics: [{ match: "chat", keep: 3 }] };
      const log = new SqliteLog({ database: new StorageDatabase(storage), ...options });
      log.append([message("traced", { traceparent: TRACEPARENT }), message("untraced")]);
      log.trim();
      const kept = log.read(undefined, 10)?.entries.map((entry) => entry.message);
      expect(kept?.map(({ id, traceparent }) => [id, traceparent])).toEqual([
        ["m0", undefined],
        ["traced", TRACEPARENT],
        ["untraced", undefined],
      ]);
      const rows = storage.sql.exec("SELECT id FROM kept_messages ORDER BY sequence").toArray();
      expect(rows.map(({ id }) => id)).toContain("traced");
    });
  });
});
