import type { Extent, RowsExtent, StoredExtent } from "./extent.ts";
import type { SqlDatabase } from "./sql.ts";

/**
 * The stored extent of a SQLite log on disk. Without it, an opened log would read every message to sum up the sizes. In a Durable
 * Object nothing is stored: the history is small, and each stored row costs money.
 */
export class ExtentRow implements StoredExtent {
  readonly #database: SqlDatabase;
  #written: Extent | undefined;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(
      "CREATE TABLE IF NOT EXISTS log_extent (id INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, bytes INTEGER NOT NULL, erased INTEGER NOT NULL)",
    );
  }

  read(): RowsExtent | undefined {
    return this.#database.all<RowsExtent>("SELECT oldest, bytes, erased FROM log_extent")[0];
  }

  write(extent: Extent): void {
    if (extent === this.#written) return;
    this.#database.exec(
      "INSERT OR REPLACE INTO log_extent (id, oldest, bytes, erased) VALUES (1, ?, ?, ?)",
      ...[extent.oldest, extent.bytes, extent.erased],
    );
    this.#written = extent;
  }
}
