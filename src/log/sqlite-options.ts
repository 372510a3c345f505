import type { Bytes } from "../realtime/units.ts";
import type { LogOptions } from "./log.ts";
import type { SqlDatabase } from "./sql.ts";

/** Options of `SqliteLog`. */
export interface SqliteLogOptions extends LogOptions {
  readonly database: SqlDatabase;
  /** Index of the shard that the log's cursors name, from 0. Default 0. */
  readonly shard?: number | undefined;
  /**
   * Whether the tables are in a file on disk. The file may be an old copy, or may have lost its newest messages when the power
   * failed, so each opening begins a new epoch. The history may be large, so the topics of all messages are indexed, and the
   * extent is stored. Default false: the storage of a Durable Object.
   */
  readonly isFile?: boolean | undefined;
  /** Maximum size of one message (`messageSize`). Default: no limit. */
  readonly maxMessageBytes?: Bytes | undefined;
  /**
   * Maximum number of messages, and of message ids, that one transaction deletes because of the limits. A publish therefore does
   * not wait for the deletion of very many. Default: no limit.
   */
  readonly maxDeletes?: number | undefined;
}
