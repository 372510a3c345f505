import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { message } from "../suites/log/context.ts";
import type { TestEnv } from "./worker.ts";

describe("a log that an older release wrote", () => {
  it("treats its old ids as duplicates whatever the content, and compares the content of new ids", async () => {
    const { LOG_HOST } = env as unknown as TestEnv;
    const host = LOG_HOST.get(LOG_HOST.newUniqueId());
    await runInDurableObject(host, (_, { storage }) => {
      storage.sql.exec(
        "CREATE TABLE message_ids (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL)",
      );
      storage.sql.exec("INSERT INTO message_ids VALUES (7, 'old', ?)", Date.now());
      for (let opened = 0; opened < 2; opened++) {
        const log = new SqliteLog({ database: new StorageDatabase(storage) });
        expect(log.append([message("old"), message("new")])).toEqual([
          { id: "old", duplicate: true },
          { id: "new", duplicate: opened > 0 },
        ]);
        expect(() => log.append([message("new", { data: "2" })])).toThrow(/other content/);
      }
    });
  });
});
