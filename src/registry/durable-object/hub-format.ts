import type { SqlDatabase } from "../../log/sql.ts";

/** The version of a hub's tables. Raise it with a change that an earlier version of the code would not read correctly. */
const FORMAT = 1;

/** Stores the version of the tables. @throws Error if a newer version of the code has written them. */
export function checkFormat(database: SqlDatabase): void {
  database.exec("CREATE TABLE IF NOT EXISTS hub_format (version INTEGER NOT NULL)");
  const [row] = database.all<{ version: number }>("SELECT version FROM hub_format");
  if (row === undefined) database.exec("INSERT INTO hub_format (version) VALUES (?)", FORMAT);
  else if (row.version > FORMAT) {
    throw new Error(
      `A newer version of Pocketwire wrote this hub (format ${row.version}). Deploy that version.`,
    );
  }
}
