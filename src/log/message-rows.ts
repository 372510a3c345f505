import type { LogEntry, Message } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { addMissingColumn } from "./add-missing-column.ts";
import type { LogCursors } from "./log-cursors.ts";
import type { Sql, SqlValue } from "./sql.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    private INTEGER NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    change TEXT
  )
`;

interface MessageRow extends Record<string, SqlValue> {
  readonly sequence: number;
  readonly id: string;
  /** A JSON array of strings. */
  readonly topics: string;
  readonly data: string;
  /** 0 or 1. */
  readonly private: number;
  readonly at: Milliseconds;
  readonly size: Bytes;
  /** Null for a message to a topic, and for a record event that an earlier version has stored without it. */
  readonly change: string | null;
}

/** The table with the history of a SQLite log. */
export class MessageRows {
  readonly #sql: Sql;
  readonly #cursors: LogCursors;

  constructor(sql: Sql, cursors: LogCursors) {
    this.#sql = sql;
    this.#cursors = cursors;
    sql.exec(SCHEMA);
    addMissingColumn(sql, "messages", "change TEXT");
  }

  insert(sequence: number, message: Message, at: Milliseconds, size: Bytes): void {
    this.#sql.exec(
      "INSERT INTO messages (sequence, id, topics, data, private, at, size, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      sequence,
      message.id,
      JSON.stringify(message.topics),
      message.data,
      message.private ? 1 : 0,
      at,
      size,
      message.change ?? null,
    );
  }

  /** Messages after a sequence, oldest first, within the limits of `LogReader.read`. */
  readAfter(sequence: number, limit: number, maxBytes: Bytes): LogEntry[] {
    const query = "SELECT * FROM messages WHERE sequence > ? ORDER BY sequence LIMIT ?";
    return this.#collect(query, sequence, limit, maxBytes);
  }

  /** Messages before a sequence, newest first, within the limits of `LogReader.readBack`. */
  readBefore(sequence: number, limit: number, maxBytes: Bytes): LogEntry[] {
    const query = "SELECT * FROM messages WHERE sequence < ? ORDER BY sequence DESC LIMIT ?";
    return this.#collect(query, sequence, limit, maxBytes);
  }

  /** The oldest sequence, undefined in an empty table, and the size of all messages. */
  extent(): { readonly oldest: number | undefined; readonly bytes: Bytes } {
    const [row] = this.#sql
      .exec<{ oldest: number | null; bytes: number | null }>(
        "SELECT MIN(sequence) AS oldest, SUM(size) AS bytes FROM messages",
      )
      .toArray();
    return { oldest: row?.oldest ?? undefined, bytes: row?.bytes ?? 0 };
  }

  /** Returns the sequence of the first message that was appended after a time. The query stops at this message. */
  firstAfter(at: Milliseconds): number | undefined {
    const query = "SELECT sequence FROM messages WHERE at > ? ORDER BY sequence LIMIT 1";
    return this.#sql.exec<{ sequence: number }>(query, at).toArray()[0]?.sequence;
  }

  /** Deletes the messages before a sequence. Returns their size. */
  deleteBefore(sequence: number): Bytes {
    const query = "DELETE FROM messages WHERE sequence < ? RETURNING size";
    const deleted = this.#sql.exec<{ size: number }>(query, sequence).toArray();
    return deleted.reduce((sum, { size }) => sum + size, 0);
  }

  /** Sets times that are later than `now` to `now`. */
  capTimes(now: Milliseconds): void {
    this.#sql.exec("UPDATE messages SET at = ? WHERE at > ?", now, now);
  }

  /** Reads row by row, so that no more than `maxBytes` of messages and one further message are in memory. */
  #collect(query: string, sequence: number, limit: number, maxBytes: Bytes): LogEntry[] {
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (const row of this.#sql.exec<MessageRow>(query, sequence, limit)) {
      bytes += row.size;
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(this.#toEntry(row));
    }
    return entries;
  }

  #toEntry(row: MessageRow): LogEntry {
    const { id, data } = row;
    // The cast is safe because `insert` has written the column.
    const topics = JSON.parse(row.topics) as string[];
    const content = { id, topics, data, private: row.private === 1 };
    return {
      cursor: this.#cursors.format(row.sequence),
      at: row.at,
      message: row.change === null ? content : { ...content, change: row.change },
    };
  }
}
