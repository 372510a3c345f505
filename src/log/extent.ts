import type { Bytes } from "../realtime/units.ts";

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

/** The extent that a SQLite log on disk stores. */
export interface StoredExtent {
  /** Returns the stored extent; undefined in a new log. */
  read(): RowsExtent | undefined;
  /** Stores the extent. Must be called in the transaction that changes the messages. */
  write(extent: Extent): void;
}
