import type { SqlDatabase, SqlValue } from "../../log/sql.ts";

/** The part of a prepared statement that `node:sqlite`, `better-sqlite3` and `bun:sqlite` have in common. */
export interface SqliteStatement {
  run(...bindings: SqlValue[]): unknown;
  all(...bindings: SqlValue[]): object[];
  /** Frees the statement. Only `bun:sqlite` has it, and keeps the file open until all statements are freed. */
  finalize?(): void;
}

/** An open SQLite file in one of these libraries. */
export interface SqliteConnection {
  /** Runs one or more statements without bindings. */
  exec(statements: string): unknown;
  prepare(statement: string): SqliteStatement;
  close(): void;
}

/** Opens a file, and creates it if it is missing. Throws the library's error. */
export type OpenSqlite = (path: string) => SqliteConnection;

/** Maximum number of prepared statements that are kept. The log and its stores have about half as many. */
const MAX_STATEMENTS = 100;

/** A SQLite file of a process. Prepared statements are kept by their text, because preparing one costs more than running it. */
export class SqliteDatabase implements SqlDatabase {
  readonly #connection: SqliteConnection;
  /** In the order of their creation. */
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  exec(statement: string, ...bindings: readonly SqlValue[]): void {
    if (bindings.length === 0) this.#connection.exec(statement);
    else this.#prepared(statement).run(...bindings);
  }

  all<Row extends object>(query: string, ...bindings: readonly SqlValue[]): Row[] {
    // The cast: the caller knows the columns of its query.
    return this.#prepared(query).all(...bindings) as Row[];
  }

  transaction<T>(run: () => T): T {
    // A transaction that begins with a read could fail at its first write, when another program has written in between.
    this.#prepared("BEGIN IMMEDIATE").run();
    try {
      const result = run();
      this.#prepared("COMMIT").run();
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** Closes the file. No other method may be called after it. */
  close(): void {
    for (const statement of this.#statements.values()) statement.finalize?.();
    this.#statements.clear();
    this.#connection.close();
  }

  /** SQLite has already rolled back after some errors, such as a full disk. `ROLLBACK` then fails without an effect. */
  #rollBack(): void {
    try {
      this.#prepared("ROLLBACK").run();
    } catch {
      // https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction".
    }
  }

  #prepared(text: string): SqliteStatement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(text);
    for (const [oldest, unused] of this.#statements) {
      if (this.#statements.size < MAX_STATEMENTS) break;
      unused.finalize?.();
      this.#statements.delete(oldest);
    }
    this.#statements.set(text, statement);
    return statement;
  }
}
