/** A value that a SQLite column or binding may hold in a Durable Object. */
export type SqlValue = string | number | null | ArrayBuffer;

/**
 * The part of a Durable Object's `storage.sql` that the log and the hub's stores use
 * (https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#exec).
 */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(
    query: string,
    ...bindings: SqlValue[]
  ): { toArray(): Row[] } & Iterable<Row>;
}
