import type { SqlDatabase } from "../../log/sql.ts";
import type { Principal } from "../../realtime/types.ts";

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
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS auth_records (
    client_id TEXT PRIMARY KEY,
    record TEXT NOT NULL
  ) WITHOUT ROWID
`;

/** The subscriptions of one client, and the part of its principal that has no room in a socket's attachment. */
export interface StoredSubscriptions extends Pick<Principal, "auth"> {
  /** Subscription keys, in the order in which they were added. */
  readonly keys: readonly string[];
  /** Topic patterns (`Principal.rights`). */
  readonly rights: readonly string[];
}

/**
 * Maximum number of keys in one row. They fit into the 2 MB of a row: all keys of a client have at most 131,072 characters
 * together (`MAX_KEYS_LENGTH` in api/limits.ts), and a character takes at most 6 bytes in JSON.
 */
const KEYS_PER_ROW = 100;

/**
 * The clients' subscription keys, rights and auth records, stored for the hub's next wake. A guest with up to 100 keys takes
 * one row.
 */
export class SubscriptionStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  /** Stores a client's subscriptions and removes its earlier subscriptions. */
  set(clientId: string, { keys, rights, auth }: StoredSubscriptions): void {
    this.remove(clientId);
    if (rights.length > 0) {
      const patterns = JSON.stringify(rights);
      this.#database.exec(
        "INSERT INTO rights (client_id, patterns) VALUES (?, ?)",
        clientId,
        patterns,
      );
    }
    if (auth !== undefined) {
      const record = JSON.stringify(auth);
      this.#database.exec(
        "INSERT INTO auth_records (client_id, record) VALUES (?, ?)",
        clientId,
        record,
      );
    }
    for (let part = 0; part * KEYS_PER_ROW < keys.length; part++) {
      const keysOfPart = keys.slice(part * KEYS_PER_ROW, (part + 1) * KEYS_PER_ROW);
      this.#database.exec(
        "INSERT INTO subscriptions (client_id, part, keys) VALUES (?, ?, ?)",
        clientId,
        part,
        JSON.stringify(keysOfPart),
      );
    }
  }

  remove(clientId: string): void {
    this.#database.exec("DELETE FROM subscriptions WHERE client_id = ?", clientId);
    this.removeCredential(clientId);
  }

  /** Removes a client's rights and auth record, which come from its credential. */
  removeCredential(clientId: string): void {
    this.#database.exec("DELETE FROM rights WHERE client_id = ?", clientId);
    this.#database.exec("DELETE FROM auth_records WHERE client_id = ?", clientId);
  }

  removeAll(): void {
    this.#database.exec("DELETE FROM subscriptions");
    this.#database.exec("DELETE FROM rights");
    this.#database.exec("DELETE FROM auth_records");
  }

  /** Returns the subscriptions of all clients, by client id. The casts are safe because `set` has written the columns. */
  all(): Map<string, StoredSubscriptions> {
    const stored = new Map<string, StoredSubscriptions>();
    const change = (clientId: string, part: Partial<StoredSubscriptions>) => {
      stored.set(clientId, { keys: [], rights: [], ...stored.get(clientId), ...part });
    };
    const rights = this.#database.all<{ client_id: string; patterns: string }>(
      "SELECT client_id, patterns FROM rights",
    );
    for (const { client_id: clientId, patterns } of rights) {
      change(clientId, { rights: JSON.parse(patterns) as string[] });
    }
    const records = this.#database.all<{ client_id: string; record: string }>(
      "SELECT client_id, record FROM auth_records",
    );
    for (const { client_id: clientId, record } of records) {
      change(clientId, { auth: JSON.parse(record) as Principal["auth"] });
    }
    const parts = this.#database.all<{ client_id: string; keys: string }>(
      "SELECT client_id, keys FROM subscriptions ORDER BY client_id, part",
    );
    for (const { client_id: clientId, keys } of parts) {
      const { keys: earlier = [] } = stored.get(clientId) ?? {};
      change(clientId, { keys: earlier.concat(JSON.parse(keys) as string[]) });
    }
    return stored;
  }
}
