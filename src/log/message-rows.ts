import { matchesAny } from "../realtime/subscriptions/subscription-key.ts";
import type { LogEntry, Message } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { addMissingColumn } from "./add-missing-column.ts";
import { ERASED } from "./log.ts";
import type { LogCursors } from "./log-cursors.ts";
import type { SqlDatabase } from "./sql.ts";

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

/** Number of sizes that are read at a time. */
const SIZES = 64;

interface MessageRow {
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
  readonly #database: SqlDatabase;
  readonly #cursors: LogCursors;

  constructor(database: SqlDatabase, cursors: LogCursors) {
    this.#database = database;
    this.#cursors = cursors;
    database.exec(SCHEMA);
    addMissingColumn(database, "messages", "change TEXT");
  }

  insert(sequence: number, message: Message, at: Milliseconds, size: Bytes): void {
    this.#database.exec(
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
    return this.#read("sequence > ? ORDER BY sequence", sequence, limit, maxBytes);
  }

  /** Messages before a sequence, newest first, within the limits of `LogReader.readBack`. */
  readBefore(sequence: number, limit: number, maxBytes: Bytes): LogEntry[] {
    return this.#read("sequence < ? ORDER BY sequence DESC", sequence, limit, maxBytes);
  }

  /** The oldest sequence, undefined in an empty table, and the size of all messages. */
  extent(): { readonly oldest: number | undefined; readonly bytes: Bytes } {
    const [row] = this.#database.all<{ oldest: number | null; bytes: number | null }>(
      "SELECT MIN(sequence) AS oldest, SUM(size) AS bytes FROM messages",
    );
    return { oldest: row?.oldest ?? undefined, bytes: row?.bytes ?? 0 };
  }

  /** Returns the sequence of the first message that was appended after a time. The query stops at this message. */
  firstAfter(at: Milliseconds): number | undefined {
    const query = "SELECT sequence FROM messages WHERE at > ? ORDER BY sequence LIMIT 1";
    return this.#database.all<{ sequence: number }>(query, at)[0]?.sequence;
  }

  /** Deletes the messages before a sequence. Returns their size. */
  deleteBefore(sequence: number): Bytes {
    const query = "DELETE FROM messages WHERE sequence < ? RETURNING size";
    const deleted = this.#database.all<{ size: number }>(query, sequence);
    return deleted.reduce((sum, { size }) => sum + size, 0);
  }

  /** The number of messages that are not erased. */
  count(): number {
    const query = "SELECT COUNT(*) AS count FROM messages WHERE topics <> '[]'";
    return this.#database.all<{ count: number }>(query)[0]?.count ?? 0;
  }

  /**
   * Erases the messages of the topics that a topic, `prefix/*` or `*` matches. Their rows stay, with `ERASED`. Returns their
   * number and size.
   */
  erase(topic: string): { readonly messages: number; readonly bytes: Bytes } {
    const query = "SELECT sequence, topics, size FROM messages";
    let messages = 0;
    let bytes = 0;
    for (const row of this.#database.all<Pick<MessageRow, "sequence" | "topics" | "size">>(query)) {
      // The cast: as in `#toEntry`.
      if (!matchesAny(topic, JSON.parse(row.topics) as string[])) continue;
      this.#database.exec(
        "UPDATE messages SET id = ?, topics = '[]', data = ?, private = 1, change = NULL, size = 0 WHERE sequence = ?",
        ERASED.id,
        ERASED.data,
        row.sequence,
      );
      messages += 1;
      bytes += row.size;
    }
    return { messages, bytes };
  }

  /** Sets times that are later than `now` to `now`. */
  capTimes(now: Milliseconds): void {
    this.#database.exec("UPDATE messages SET at = ? WHERE at > ?", now, now);
  }

  /** Reads the sizes first, so that no more than `maxBytes` of messages, or one message, are in memory. */
  #read(rows: string, sequence: number, limit: number, maxBytes: Bytes): LogEntry[] {
    const count = Number.isFinite(maxBytes)
      ? this.#countWithin(rows, sequence, limit, maxBytes)
      : limit;
    const query = `SELECT * FROM messages WHERE ${rows} LIMIT ?`;
    return this.#database.all<MessageRow>(query, sequence, count).map((row) => this.#toEntry(row));
  }

  /** The number of rows that have at most `maxBytes` together; 1 if the first row alone has more. */
  #countWithin(rows: string, sequence: number, limit: number, maxBytes: Bytes): number {
    const query = `SELECT sequence, size FROM messages WHERE ${rows} LIMIT ?`;
    let count = 0;
    let bytes = 0;
    let position = sequence;
    while (count < limit) {
      const step = Math.min(SIZES, limit - count);
      const sizes = this.#database.all<{ sequence: number; size: Bytes }>(query, position, step);
      for (const { sequence, size } of sizes) {
        bytes += size;
        if (bytes > maxBytes && count > 0) return count;
        count += 1;
        position = sequence;
      }
      if (sizes.length < step) break;
    }
    return count;
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
