type SqlValue = string | number | null | ArrayBuffer;

/** As much of a Durable Object's `storage.sql` as a hub's stores use. */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(
    query: string,
    ...bindings: SqlValue[]
  ): { toArray(): Row[] };
}

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

/** What is kept of a client. */
export interface StoredSubscriptions {
  /** Subscription keys, in the order they were set. */
  readonly keys: readonly string[];
  readonly rights: readonly string[];
}

/** Keys in a row: as many as fit SQLite's 2 MB a row at 2,500 characters of up to 4 bytes, escaped. */
const KEYS_PER_ROW = 100;

/** What each client subscribes to and has rights to, across the hub's sleep. A usual guest is one row. */
export class SubscriptionStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  set(clientId: string, { keys, rights }: StoredSubscriptions): void {
    this.remove(clientId);
    if (rights.length > 0) {
      const patterns = JSON.stringify(rights);
      this.#sql.exec("INSERT INTO rights (client_id, patterns) VALUES (?, ?)", clientId, patterns);
    }
    for (let part = 0; part * KEYS_PER_ROW < keys.length; part++) {
      const some = keys.slice(part * KEYS_PER_ROW, (part + 1) * KEYS_PER_ROW);
      this.#sql.exec(
        "INSERT INTO subscriptions (client_id, part, keys) VALUES (?, ?, ?)",
        clientId,
        part,
        JSON.stringify(some),
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

  /** By client id. */
  all(): Map<string, StoredSubscriptions> {
    const found = new Map<string, StoredSubscriptions>();
    const rights = this.#sql
      .exec<{ client_id: string; patterns: string }>("SELECT client_id, patterns FROM rights")
      .toArray();
    for (const { client_id: clientId, patterns } of rights) {
      found.set(clientId, { keys: [], rights: JSON.parse(patterns) as string[] });
    }
    const rows = this.#sql
      .exec<{ client_id: string; keys: string }>(
        "SELECT client_id, keys FROM subscriptions ORDER BY client_id, part",
      )
      .toArray();
    for (const { client_id: clientId, keys } of rows) {
      const before = found.get(clientId) ?? { keys: [], rights: [] };
      const all = before.keys.concat(JSON.parse(keys) as string[]);
      found.set(clientId, { ...before, keys: all });
    }
    return found;
  }
}
