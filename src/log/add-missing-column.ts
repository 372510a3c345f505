import type { Sql } from "./sql.ts";

/**
 * Adds a column to a table that an earlier version has created without it. The column must allow NULL, which existing rows
 * then have in it.
 *
 * @param definition Name and type of the column: `fingerprint INTEGER`.
 */
export function addMissingColumn(sql: Sql, table: string, definition: string): void {
  const [column] = definition.split(" ");
  const columns = sql.exec<{ name: string }>(`PRAGMA table_info(${table})`).toArray();
  if (columns.some(({ name }) => name === column)) return;
  sql.exec(`ALTER TABLE ${table} ADD COLUMN ${definition}`);
}
