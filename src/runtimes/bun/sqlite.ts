import type { OpenSqlite } from "../process/sqlite-database.ts";

/** Returns Bun's SQLite. */
export async function loadSqlite(): Promise<OpenSqlite> {
  const { Database } = await import("bun:sqlite");
  return (path) => new Database(path, { create: true });
}
