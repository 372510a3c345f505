/** The part of sql.js that the filter oracle uses. The package has no types of its own. */
declare module "sql.js" {
  interface Database {
    /** Runs all statements. Returns the rows of those that have any. */
    exec(sql: string): { readonly values: readonly (readonly unknown[])[] }[];
    close(): void;
  }
  interface Options {
    /** Whether sql.js's own acos(), cos() and others replace those of SQLite. */
    readonly useOldExtensionFunctions?: boolean;
  }
  interface SqlJs {
    readonly Database: new () => Database;
  }
  function initSqlJs(options?: Options): Promise<SqlJs>;
  export = initSqlJs;
}
