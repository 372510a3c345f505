import { Database } from "bun:sqlite";
import type { OpenSqlite } from "../process/sqlite-database.ts";

/** Returns Bun's SQLite. */
export function loadSqlite(): OpenSqlite {
  return (path) => new Database(path, { create: true });
}
