/** The part of sql.js that the tests use. The package has no types of its own. */
declare module "sql.js" {
  namespace initSqlJs {
    type Value = string | number | null;
    interface Statement {
      bind(values: readonly Value[]): boolean;
      step(): boolean;
      getAsObject(): object;
      reset(): void;
    }
    interface Database {
      /** Runs all statements. Returns the rows of those that have any. */
      exec(sql: string): { readonly values: readonly (readonly unknown[])[] }[];
      /** Runs all statements. */
      run(sql: string): void;
      prepare(sql: string): Statement;
      /** Returns the database as the bytes of a file. Ends all prepared statements. */
      export(): Uint8Array;
      close(): void;
    }
    interface Options {
      /** Whether sql.js's own acos(), cos() and others replace those of SQLite. */
      readonly useOldExtensionFunctions?: boolean;
    }
    interface SqlJs {
      readonly Database: new (file?: Uint8Array) => Database;
    }
  }
  function initSqlJs(options?: initSqlJs.Options): Promise<initSqlJs.SqlJs>;
  export = initSqlJs;
}
