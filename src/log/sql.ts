/** A value of a column or binding. A text must not contain NUL: `node:sqlite` reads a text up to its first NUL. */
export type SqlValue = string | number | null;

/**
 * A SQLite database, as the log and other stores use it. Each runtime has its own adapter: a Durable Object's storage,
 * `node:sqlite`, `better-sqlite3` and `bun:sqlite`. All calls are synchronous.
 */
export interface SqlDatabase {
  /** Runs a statement that returns no rows. Several statements are allowed if there are no bindings. */
  exec(statement: string, ...bindings: readonly SqlValue[]): void;
  /** Runs a query and returns all of its rows. Whole numbers are safe integers. */
  all<Row extends object>(query: string, ...bindings: readonly SqlValue[]): Row[];
  /**
   * Runs a function in a transaction, and returns its result. An exception rolls the transaction back and is rethrown. Calls
   * must not be nested.
   */
  transaction<T>(run: () => T): T;
}
