import type { SqlDatabase } from "./sql.ts";

/**
 * Adds a column to a table that an earlier version has created without it. The column must allow NULL, which existing rows
 * then have in it.
 *
 * @param definition Name and type of the column: `fingerprint INTEGER`.
 */
export function addMissingColumn(database: SqlDatabase, table: string, definition: string): void {
  const [column] = definition.split(" ");
  const columns = database.all<{ name: string }>(`PRAGMA table_info(${table})`);
  if (columns.some(({ name }) => name === column)) return;
  database.exec(`ALTER TABLE ${table} ADD COLUMN ${definition}`);
}
