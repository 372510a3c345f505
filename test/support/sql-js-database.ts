import type { Database, SqlJs, Statement } from "sql.js";
import type { SqlDatabase, SqlValue } from "../../src/log/sql.ts";

/** Why the tests with `SqlJsDatabase` are left out. */
export const NO_SQL_JS =
  process.versions.bun === undefined ? undefined : "sql.js is used on Node only";

/** A SQLite database in memory, by the npm package sql.js, which is tested on Node only. */
export class SqlJsDatabase implements SqlDatabase {
  readonly #module: SqlJs;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  #isInTransaction = false;
  #statementsUntilFailure = Number.POSITIVE_INFINITY;

  private constructor(module: SqlJs, file?: Uint8Array) {
    this.#module = module;
    this.#database = new module.Database(file);
  }

  /** Creates an empty database. */
  static async create(): Promise<SqlJsDatabase> {
    const { default: initSqlJs } = await import("sql.js");
    return new SqlJsDatabase(await initSqlJs());
  }

  /** Returns a copy of the database, as a copied file. */
  copy(): SqlJsDatabase {
    this.#statements.clear();
    return new SqlJsDatabase(this.#module, this.#database.export());
  }

  /**
   * Makes one statement or commit of a transaction throw.
   *
   * @param count The number of statements of a transaction that succeed before.
   */
  failAfter(count: number): void {
    this.#statementsUntilFailure = count;
  }

  /** Undoes `failAfter`. */
  heal(): void {
    this.#statementsUntilFailure = Number.POSITIVE_INFINITY;
  }

  exec(statement: string, ...bindings: readonly SqlValue[]): void {
    if (bindings.length === 0) {
      this.#count();
      this.#database.run(statement);
    } else {
      this.all(statement, ...bindings);
    }
  }

  all<Row extends object>(query: string, ...bindings: readonly SqlValue[]): Row[] {
    this.#count();
    const statement = this.#statements.get(query) ?? this.#database.prepare(query);
    this.#statements.set(query, statement);
    statement.bind(bindings);
    const rows: Row[] = [];
    // The cast: the caller knows the columns of its query.
    while (statement.step()) rows.push(statement.getAsObject() as Row);
    statement.reset();
    return rows;
  }

  transaction<T>(run: () => T): T {
    if (this.#isInTransaction) throw new Error("A transaction is nested.");
    this.#isInTransaction = true;
    this.#database.run("BEGIN");
    try {
      const result = run();
      this.#count();
      this.#database.run("COMMIT");
      return result;
    } catch (error) {
      this.#database.run("ROLLBACK");
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }

  close(): void {
    this.#database.close();
  }

  #count(): void {
    if (!this.#isInTransaction) return;
    this.#statementsUntilFailure -= 1;
    if (this.#statementsUntilFailure >= 0) return;
    this.heal();
    throw new SimulatedFailure();
  }
}

/** What a failing statement of `SqlJsDatabase` throws. */
export class SimulatedFailure extends Error {
  constructor() {
    super("The test lets the database fail.");
  }
}
