import type { Bytes } from "../realtime/units.ts";
import type { StoredExtent } from "./extent.ts";
import type { LogOptions } from "./log.ts";
import type { SqlDatabase } from "./sql.ts";
import type { TopicIndexRows } from "./topic-index-rows.ts";

/** The tables that only a log on disk has. They are an option so that they are not in the bundle of a Worker. */
export interface FileTables {
  /** Opens an index of the topics and patterns of all messages. */
  readonly openIndex: (database: SqlDatabase) => TopicIndexRows;
  readonly openExtent: (database: SqlDatabase) => StoredExtent;
}

/** Options of `SqliteLog`. */
export interface SqliteLogOptions extends LogOptions {
  readonly database: SqlDatabase;
  /** Index of the shard that the log's cursors name, from 0. Default 0. */
  readonly shard?: number | undefined;
  /**
   * Pass `fileTables` if the tables are in a file on disk. The file may be an old copy, or may have lost its newest messages when
   * the power failed, so each opening begins a new epoch. The history may be large, so the topics of all messages are indexed,
   * and the extent is stored. Default: the storage of a Durable Object.
   */
  readonly file?: FileTables | undefined;
  /** Maximum size of one message (`messageSize`). Default: no limit. */
  readonly maxMessageBytes?: Bytes | undefined;
  /**
   * Maximum number of messages, and of message ids, that one transaction deletes because of the limits. A publish therefore does
   * not wait for the deletion of very many. Default: no limit.
   */
  readonly maxDeletes?: number | undefined;
}
