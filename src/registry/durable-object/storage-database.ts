import type { SqlDatabase, SqlValue } from "../../log/sql.ts";

/**
 * The part of a Durable Object's `storage` that the database uses
 * (https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/).
 */
export interface SqlStorage {
  readonly sql: {
    exec(query: string, ...bindings: readonly SqlValue[]): { toArray(): object[] };
  };
  /** Runs a function in a transaction. An exception rolls the transaction back. */
  transactionSync<T>(run: () => T): T;
}

/** The SQLite database in a Durable Object's storage. */
export class StorageDatabase implements SqlDatabase {
  readonly #storage: SqlStorage;

  constructor(storage: SqlStorage) {
    this.#storage = storage;
  }

  exec(statement: string, ...bindings: readonly SqlValue[]): void {
    this.#storage.sql.exec(statement, ...bindings);
  }

  all<Row extends object>(query: string, ...bindings: readonly SqlValue[]): Row[] {
    // The cast: the caller knows the columns of its query.
    return this.#storage.sql.exec(query, ...bindings).toArray() as Row[];
  }

  transaction<T>(run: () => T): T {
    return this.#storage.transactionSync(run);
  }
}
