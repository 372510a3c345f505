type SqlValue = string | number | null | ArrayBuffer;

/** As much of a Durable Object's `storage.sql` as the store uses. */
interface Sql {
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
  ) WITHOUT ROWID
`;

/** Keys in a row: as many as fit SQLite's 2 MB a row at 2,500 characters of up to 4 bytes, escaped. */
const KEYS_PER_ROW = 100;

/** What each client subscribes to, across the hub's sleep. A usual client's keys are one row. */
export class SubscriptionStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  set(clientId: string, keys: readonly string[]): void {
    this.remove(clientId);
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
  }

  /** Keys by client id, in the order they were set. */
  all(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    const rows = this.#sql
      .exec<{ client_id: string; keys: string }>(
        "SELECT client_id, keys FROM subscriptions ORDER BY client_id, part",
      )
      .toArray();
    for (const { client_id: clientId, keys } of rows) {
      const before = found.get(clientId) ?? [];
      found.set(clientId, before.concat(JSON.parse(keys) as string[]));
    }
    return found;
  }
}
