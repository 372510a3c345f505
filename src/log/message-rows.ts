import type { Message } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { addMissingColumn } from "./add-missing-column.ts";
import type { SqlDatabase } from "./sql.ts";

const COLUMNS =
  "sequence, id, topics, data, private, at, size, change, ttl, expires_at, traceparent";

const DEFINITIONS = `
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  topics TEXT NOT NULL,
  data TEXT NOT NULL,
  private INTEGER NOT NULL,
  at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  change TEXT,
  ttl INTEGER,
  expires_at INTEGER,
  traceparent TEXT
`;

const EXPIRY = "(expires_at) WHERE expires_at IS NOT NULL";

/** The tables with messages. Each message in the first table is older than all messages in the second table. */
export const MESSAGE_TABLES = ["kept_messages", "messages"] as const;

interface HeadRow extends Omit<MessageHead, "topics"> {
  /** A JSON array of strings. */
  readonly topics: string;
}

/** The columns of a message that trimming and erasing need. */
export interface MessageHead {
  readonly sequence: number;
  readonly topics: readonly string[];
  readonly at: Milliseconds;
  readonly size: Bytes;
}

/**
 * The tables with the messages of a SQLite log. `messages` has those within the limits of the history, one row for each sequence:
 * an erased message leaves an empty row. `kept_messages` has those that only topic rules keep.
 */
export class MessageRows {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    for (const table of MESSAGE_TABLES) {
      database.exec(`CREATE TABLE IF NOT EXISTS ${table} (${DEFINITIONS})`);
      addMissingColumn(database, table, "traceparent TEXT");
    }
    for (const column of ["change TEXT", "ttl INTEGER", "expires_at INTEGER"]) {
      addMissingColumn(database, "messages", column);
    }
    for (const table of MESSAGE_TABLES) {
      database.exec(`CREATE INDEX IF NOT EXISTS ${table}_expiry ON ${table} ${EXPIRY}`);
    }
  }

  insert(sequence: number, message: Message, at: Milliseconds, size: Bytes): void {
    const { ttl } = message;
    this.#database.exec(
      `INSERT INTO messages (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      sequence,
      message.id,
      JSON.stringify(message.topics),
      message.data,
      message.private ? 1 : 0,
      at,
      size,
      message.change ?? null,
      ttl ?? null,
      ttl === undefined ? null : at + ttl * 1000,
      message.traceparent ?? null,
    );
  }

  /** The extent of `messages`. `oldest` is undefined in an empty table. */
  extent(): {
    readonly oldest: number | undefined;
    readonly bytes: Bytes;
    readonly erased: number;
  } {
    const [row] = this.#database.all<{
      oldest: number | null;
      bytes: number | null;
      erased: number | null;
    }>("SELECT MIN(sequence) AS oldest, SUM(size) AS bytes, SUM(id = '') AS erased FROM messages");
    return { oldest: row?.oldest ?? undefined, bytes: row?.bytes ?? 0, erased: row?.erased ?? 0 };
  }

  /** The first rows of `messages` from a sequence on, erased ones included. */
  oldest(from: number, limit: number): MessageHead[] {
    return this.#heads("FROM messages WHERE sequence >= ? ORDER BY sequence LIMIT ?", from, limit);
  }

  /** The messages after a sequence, in the order of the log. An erased message has no topics. */
  headsAfter(sequence: number, limit: number): MessageHead[] {
    const from = (table: string) => `FROM ${table} WHERE sequence > ?`;
    const query = `SELECT sequence, topics, at, size ${from("kept_messages")} UNION ALL
      SELECT sequence, topics, at, size ${from("messages")} ORDER BY sequence LIMIT ?`;
    return this.#database
      .all<HeadRow>(query, sequence, sequence, limit)
      .map(({ topics, ...head }) => ({ ...head, topics: parseTopics(topics) }));
  }

  /** The message with a sequence. Undefined if the log does not have the message, or has erased it. */
  head(sequence: number): MessageHead | undefined {
    for (const table of MESSAGE_TABLES) {
      const [head] = this.#heads(`FROM ${table} WHERE sequence = ? AND id <> ''`, sequence);
      if (head !== undefined) return head;
    }
    return undefined;
  }

  /** Messages that are past their `ttl`. */
  expired(now: Milliseconds, limit: number): MessageHead[] {
    return MESSAGE_TABLES.flatMap((table) =>
      this.#heads(`FROM ${table} WHERE expires_at <= ? LIMIT ?`, now, limit),
    );
  }

  /** When the next message will be past its `ttl`; undefined if no message has one. */
  nextExpiry(): Milliseconds | undefined {
    const times = MESSAGE_TABLES.map((table) => {
      const query = `SELECT MIN(expires_at) AS at FROM ${table} WHERE expires_at IS NOT NULL`;
      return this.#database.all<{ at: number | null }>(query)[0]?.at ?? Number.POSITIVE_INFINITY;
    });
    const next = Math.min(...times);
    return Number.isFinite(next) ? next : undefined;
  }

  /** Moves a message to `kept_messages`. */
  keep(sequence: number): void {
    this.#database.exec(
      `INSERT INTO kept_messages (${COLUMNS}) SELECT ${COLUMNS} FROM messages WHERE sequence = ?`,
      sequence,
    );
  }

  /** Deletes the rows of `messages` up to a sequence. */
  deleteUpTo(sequence: number): void {
    this.#database.exec("DELETE FROM messages WHERE sequence <= ?", sequence);
  }

  /** Deletes a row of `kept_messages`. */
  deleteKept(sequence: number): void {
    this.#database.exec("DELETE FROM kept_messages WHERE sequence = ?", sequence);
  }

  /** Empties a row of `messages`. */
  erase(sequence: number): void {
    this.#database.exec(
      "UPDATE messages SET id = '', topics = '[]', data = '', size = 0, change = NULL, ttl = NULL, expires_at = NULL, traceparent = NULL WHERE sequence = ?",
      sequence,
    );
  }

  /** Sets times that are later than `now` to `now`. Times rise with the sequence, so only the newest rows are read. */
  capTimes(now: Milliseconds): void {
    for (const table of MESSAGE_TABLES) {
      this.#database.exec(
        `UPDATE ${table} SET at = ?, expires_at = ? + ttl * 1000 WHERE sequence > COALESCE(
          (SELECT sequence FROM ${table} WHERE at <= ? ORDER BY sequence DESC LIMIT 1), 0)`,
        now,
        now,
        now,
      );
    }
  }

  #heads(from: string, ...bindings: readonly number[]): MessageHead[] {
    return this.#database
      .all<HeadRow>(`SELECT sequence, topics, at, size ${from}`, ...bindings)
      .map(({ topics, ...head }) => ({ ...head, topics: parseTopics(topics) }));
  }
}

/** Parses the column `topics`. The cast is safe because `insert` has written the column. */
export function parseTopics(json: string): string[] {
  return JSON.parse(json) as string[];
}
