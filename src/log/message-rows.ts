import type { LogEntry, Message } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { addMissingColumn } from "./add-missing-column.ts";
import type { LogCursors } from "./log-cursors.ts";
import type { SqlDatabase } from "./sql.ts";

const COLUMNS = "sequence, id, topics, data, private, at, size, change, ttl, expires_at";

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
  expires_at INTEGER
`;

const EXPIRY = "(expires_at) WHERE expires_at IS NOT NULL";

const TABLES = ["kept_messages", "messages"] as const;

/** An erased message has an empty id. The binding is the current time. */
const IS_READABLE = "id <> '' AND (expires_at IS NULL OR expires_at > ?)";

/** Number of rows whose sizes are read at a time. */
const STEP = 64;

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
  readonly ttl: number | null;
}

/** What trimming and erasing need of a message. */
export interface MessageHead {
  readonly sequence: number;
  readonly topics: readonly string[];
  readonly at: Milliseconds;
  readonly size: Bytes;
}

/** Selects the messages of one page. */
export interface RowsRequest {
  /** The page begins after this sequence, or before it when it is read backwards. */
  readonly position: number;
  readonly isForwards: boolean;
  readonly limit: number;
  readonly maxBytes: Bytes;
  readonly now: Milliseconds;
  /** Returns the next sequences of an index. Undefined: every message is read. */
  readonly next: ((position: number, limit: number) => readonly number[]) | undefined;
}

/** A page of messages. */
export interface RowsPage {
  readonly entries: LogEntry[];
  /** The last sequence that was read. Undefined if there are no further messages. */
  readonly end: number | undefined;
}

/**
 * The tables with the messages of a SQLite log. `messages` has those within the limits of the history, one row for each sequence:
 * an erased message leaves an empty row. `kept_messages` has those that only topic rules keep.
 */
export class MessageRows {
  readonly #database: SqlDatabase;
  readonly #cursors: LogCursors;

  constructor(database: SqlDatabase, cursors: LogCursors) {
    this.#database = database;
    this.#cursors = cursors;
    for (const table of TABLES) {
      database.exec(`CREATE TABLE IF NOT EXISTS ${table} (${DEFINITIONS})`);
    }
    for (const column of ["change TEXT", "ttl INTEGER", "expires_at INTEGER"]) {
      addMissingColumn(database, "messages", column);
    }
    for (const table of TABLES) {
      database.exec(`CREATE INDEX IF NOT EXISTS ${table}_expiry ON ${table} ${EXPIRY}`);
    }
  }

  insert(sequence: number, message: Message, at: Milliseconds, size: Bytes): void {
    const { ttl } = message;
    this.#database.exec(
      `INSERT INTO messages (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    );
  }

  /** Reads a page. Reads sizes first, so that no more than `maxBytes` of messages, or one message, are in memory. */
  read(request: RowsRequest): RowsPage {
    const { limit, maxBytes } = request;
    const entries: LogEntry[] = [];
    let bytes = 0;
    let { position } = request;
    while (entries.length < limit) {
      const step = Math.min(STEP, limit - entries.length);
      const sequences = request.next?.(position, step);
      const heads = this.#sizes(request, position, step, sequences);
      let fitting = 0;
      for (const { size } of heads) {
        bytes += size;
        if (bytes > maxBytes && entries.length + fitting > 0) break;
        fitting += 1;
      }
      const read = heads.slice(0, fitting).map(({ sequence }) => sequence);
      entries.push(...this.#entries(read, request, sequences !== undefined));
      if (fitting < heads.length) return { entries, end: read.at(-1) ?? position };
      const scanned = sequences ?? read;
      if (scanned.length < step) return { entries, end: undefined };
      position = scanned.at(-1) ?? position;
    }
    return { entries, end: position };
  }

  /** The oldest sequence of `messages`, undefined in an empty table, and the size of these messages. */
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

  /** The messages after a sequence, in the order of the log. Erased messages are left out. */
  headsAfter(sequence: number, limit: number): MessageHead[] {
    const from = (table: string) => `FROM ${table} WHERE sequence > ? AND id <> ''`;
    const query = `SELECT sequence, topics, at, size ${from("kept_messages")} UNION ALL
      SELECT sequence, topics, at, size ${from("messages")} ORDER BY sequence LIMIT ?`;
    return this.#database
      .all<MessageRow>(query, sequence, sequence, limit)
      .map(({ topics, ...head }) => ({ ...head, topics: parseTopics(topics) }));
  }

  /** The message with a sequence; undefined if there is none or it is erased. */
  head(sequence: number): MessageHead | undefined {
    for (const table of TABLES) {
      const [head] = this.#heads(`FROM ${table} WHERE sequence = ? AND id <> ''`, sequence);
      if (head !== undefined) return head;
    }
    return undefined;
  }

  /** Messages that are past their `ttl`. */
  expired(now: Milliseconds, limit: number): MessageHead[] {
    return TABLES.flatMap((table) =>
      this.#heads(`FROM ${table} WHERE expires_at <= ? LIMIT ?`, now, limit),
    );
  }

  /** When the next message will be past its `ttl`; undefined if no message has one. */
  nextExpiry(): Milliseconds | undefined {
    const times = TABLES.map((table) => {
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
      "UPDATE messages SET id = '', topics = '[]', data = '', size = 0, change = NULL, ttl = NULL, expires_at = NULL WHERE sequence = ?",
      sequence,
    );
  }

  /** Sets times that are later than `now` to `now`. Times rise with the sequence, so only the newest rows are read. */
  capTimes(now: Milliseconds): void {
    for (const table of TABLES) {
      this.#database.exec(
        `UPDATE ${table} SET at = ?, expires_at = ? + ttl * 1000 WHERE sequence > COALESCE(
          (SELECT sequence FROM ${table} WHERE at <= ? ORDER BY sequence DESC LIMIT 1), 0)`,
        now,
        now,
        now,
      );
    }
  }

  /** The sizes of the next readable rows, of those with the given sequences or of all. */
  #sizes(
    { isForwards, now }: RowsRequest,
    position: number,
    limit: number,
    sequences: readonly number[] | undefined,
  ): { readonly sequence: number; readonly size: Bytes }[] {
    const order = isForwards ? "" : "DESC";
    const where =
      sequences === undefined
        ? `sequence ${isForwards ? ">" : "<"} ?`
        : "sequence IN (SELECT value FROM json_each(?))";
    const selects = TABLES.map(
      (table) => `SELECT sequence, size FROM ${table} WHERE ${where} AND ${IS_READABLE}`,
    );
    const binding = sequences === undefined ? position : JSON.stringify(sequences);
    return this.#database.all(
      `${selects.join(" UNION ALL ")} ORDER BY sequence ${order} LIMIT ?`,
      ...[binding, now, binding, now, limit],
    );
  }

  /** @param isSparse Whether there may be other messages between these. */
  #entries(
    sequences: readonly number[],
    { isForwards, now }: RowsRequest,
    isSparse: boolean,
  ): LogEntry[] {
    if (sequences.length === 0) return [];
    const where = isSparse
      ? "sequence IN (SELECT value FROM json_each(?))"
      : `sequence BETWEEN ? AND ? AND ${IS_READABLE}`;
    const bindings = isSparse
      ? [JSON.stringify(sequences)]
      : [Math.min(...sequences), Math.max(...sequences), now];
    const rows = TABLES.flatMap((table) =>
      this.#database.all<MessageRow>(`SELECT * FROM ${table} WHERE ${where}`, ...bindings),
    );
    rows.sort((a, b) => (isForwards ? a.sequence - b.sequence : b.sequence - a.sequence));
    return rows.map((row) => this.#toEntry(row));
  }

  #heads(from: string, ...bindings: readonly number[]): MessageHead[] {
    return this.#database
      .all<MessageRow>(`SELECT sequence, topics, at, size ${from}`, ...bindings)
      .map(({ topics, ...head }) => ({ ...head, topics: parseTopics(topics) }));
  }

  #toEntry({ sequence, at, change, ttl, ...row }: MessageRow): LogEntry {
    const { id, data } = row;
    const content = { id, topics: parseTopics(row.topics), data, private: row.private === 1 };
    return {
      cursor: this.#cursors.format(sequence),
      at,
      message: {
        ...content,
        ...(change === null ? {} : { change }),
        ...(ttl === null ? {} : { ttl }),
      },
    };
  }
}

/** The cast is safe because `insert` has written the column. */
function parseTopics(json: string): string[] {
  return JSON.parse(json) as string[];
}
