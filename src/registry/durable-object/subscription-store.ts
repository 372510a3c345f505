import type { Sql } from "../../log/sql.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS subscriptions (
    client_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    keys TEXT NOT NULL,
    PRIMARY KEY (client_id, part)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS rights (
    client_id TEXT PRIMARY KEY,
    patterns TEXT NOT NULL
  ) WITHOUT ROWID
`;

/** The subscriptions of one client. */
export interface StoredSubscriptions {
  /** Subscription keys, in the order in which they were added. */
  readonly keys: readonly string[];
  /** Topic patterns (`Principal.rights`). */
  readonly rights: readonly string[];
}

/**
 * Maximum number of keys in one row. 100 keys fit into the 2 MB of a row: a key has at most 2,500 characters, and a character
 * takes at most 6 bytes in JSON.
 */
const KEYS_PER_ROW = 100;

/** The clients' subscription keys and rights, stored for the hub's next wake. A guest with up to 100 keys takes one row. */
export class SubscriptionStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** Stores a client's subscriptions and removes its earlier subscriptions. */
  set(clientId: string, { keys, rights }: StoredSubscriptions): void {
    this.remove(clientId);
    if (rights.length > 0) {
      const patterns = JSON.stringify(rights);
      this.#sql.exec("INSERT INTO rights (client_id, patterns) VALUES (?, ?)", clientId, patterns);
    }
    for (let part = 0; part * KEYS_PER_ROW < keys.length; part++) {
      const keysOfPart = keys.slice(part * KEYS_PER_ROW, (part + 1) * KEYS_PER_ROW);
      this.#sql.exec(
        "INSERT INTO subscriptions (client_id, part, keys) VALUES (?, ?, ?)",
        clientId,
        part,
        JSON.stringify(keysOfPart),
      );
    }
  }

  remove(clientId: string): void {
    this.#sql.exec("DELETE FROM subscriptions WHERE client_id = ?", clientId);
    this.removeRights(clientId);
  }

  removeRights(clientId: string): void {
    this.#sql.exec("DELETE FROM rights WHERE client_id = ?", clientId);
  }

  removeAll(): void {
    this.#sql.exec("DELETE FROM subscriptions");
    this.#sql.exec("DELETE FROM rights");
  }

  /** Returns the subscriptions of all clients, by client id. The casts are safe because `set` has written the columns. */
  all(): Map<string, StoredSubscriptions> {
    const stored = new Map<string, StoredSubscriptions>();
    const rights = this.#sql
      .exec<{ client_id: string; patterns: string }>("SELECT client_id, patterns FROM rights")
      .toArray();
    for (const { client_id: clientId, patterns } of rights) {
      stored.set(clientId, { keys: [], rights: JSON.parse(patterns) as string[] });
    }
    const parts = this.#sql
      .exec<{ client_id: string; keys: string }>(
        "SELECT client_id, keys FROM subscriptions ORDER BY client_id, part",
      )
      .toArray();
    for (const { client_id: clientId, keys } of parts) {
      const before = stored.get(clientId) ?? { keys: [], rights: [] };
      const all = before.keys.concat(JSON.parse(keys) as string[]);
      stored.set(clientId, { ...before, keys: all });
    }
    return stored;
  }
}
