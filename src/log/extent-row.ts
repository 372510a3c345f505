import type { Bytes } from "../realtime/units.ts";
import type { SqlDatabase } from "./sql.ts";

/** The range of the messages within the limits of a SQLite log. */
export interface Extent {
  /** Sequence of the newest message; 0 in a new log. */
  readonly sequence: number;
  /** Sequence of the oldest message; `sequence + 1` when there are none. */
  readonly oldest: number;
  /** Size of these messages. */
  readonly bytes: Bytes;
  /** Number of erased messages among them. */
  readonly erased: number;
}

/** The extent of the rows of a table. */
export interface RowsExtent extends Pick<Extent, "bytes" | "erased"> {
  /** Undefined in an empty table. */
  readonly oldest: number | undefined;
}

/**
 * The stored extent of a SQLite log on disk. Without it, an opened log would read every message to sum up the sizes. In a Durable
 * Object nothing is stored: the history is small, and each stored row costs money.
 */
export class ExtentRow {
  readonly #database: SqlDatabase;
  readonly #isStored: boolean;
  #written: Extent | undefined;

  constructor(database: SqlDatabase, isStored: boolean) {
    this.#database = database;
    this.#isStored = isStored;
    if (!isStored) return;
    database.exec(
      "CREATE TABLE IF NOT EXISTS log_extent (id INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, bytes INTEGER NOT NULL, erased INTEGER NOT NULL)",
    );
  }

  /**
   * Reads the stored extent.
   *
   * @param sequence Sequence of the newest message.
   * @param count Computes the extent if it is not stored.
   */
  read(sequence: number, count: () => RowsExtent): Extent {
    const [stored] = this.#isStored
      ? this.#database.all<Omit<Extent, "sequence">>("SELECT oldest, bytes, erased FROM log_extent")
      : [];
    const { oldest, bytes, erased } = stored ?? count();
    return { sequence, oldest: oldest ?? sequence + 1, bytes, erased };
  }

  /** Stores the extent. Must be called in the transaction that changes the messages. */
  write(extent: Extent): void {
    if (!this.#isStored || extent === this.#written) return;
    this.#database.exec(
      "INSERT OR REPLACE INTO log_extent (id, oldest, bytes, erased) VALUES (1, ?, ?, ?)",
      ...[extent.oldest, extent.bytes, extent.erased],
    );
    this.#written = extent;
  }
}
