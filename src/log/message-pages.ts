import type { LogEntry } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { LogCursors } from "./log-cursors.ts";
import { MESSAGE_TABLES, parseTopics } from "./message-rows.ts";
import type { SqlDatabase } from "./sql.ts";

/** The condition for a message that is neither erased (with an empty id) nor past its `ttl`. The binding is the current time. */
const IS_READABLE = "id <> '' AND (expires_at IS NULL OR expires_at > ?)";

/** Number of sizes that are read at a time. */
const STEP = 64;

/**
 * Maximum number of rows of `messages` in which one query searches. If it finds too few readable messages, the page ends early.
 * Without this limit, a query after an erasure could skip a million empty rows, and no other work would run meanwhile.
 */
const MAX_EMPTY = 10_000;

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
  readonly traceparent: string | null;
}

/** Selects the messages of one page. */
export interface RowsRequest {
  /** The page begins after this sequence, or before it when it is read backwards. */
  readonly position: number;
  readonly isForwards: boolean;
  readonly limit: number;
  readonly maxBytes: Bytes;
  readonly now: Milliseconds;
  /** Sequence of the oldest row of `messages`. Rows before it are in `kept_messages`, which has no empty rows. */
  readonly oldest: number;
  /** Sequence of the newest message. */
  readonly newest: number;
  /** Returns the next sequences of the requested topics, from the index. Undefined: the messages of all topics are read. */
  readonly next: ((limit: number) => readonly number[]) | undefined;
}

/** A page of messages. */
export interface RowsPage {
  readonly entries: LogEntry[];
  /** The last sequence that was read. It may have no readable message. Undefined if there are no further messages. */
  readonly end: number | undefined;
}

/** The rows of one query. */
interface Rows {
  /** As `RowsRequest.position`. */
  readonly position: number;
  /** The last sequence. Undefined: to the end. */
  readonly until: number | undefined;
  readonly limit: number;
}

/** Returns the last sequence that a query after a position may read. Undefined if it may read to the end. */
function lastOf({ isForwards, oldest, newest }: RowsRequest, position: number): number | undefined {
  if (isForwards) {
    const last = Math.max(position, oldest - 1) + MAX_EMPTY;
    return last < newest ? last : undefined;
  }
  const last = Math.min(position, newest + 1) - MAX_EMPTY;
  return last > oldest ? last : undefined;
}

/** Reads pages of the messages in the tables of `MessageRows`. */
export class MessagePages {
  readonly #database: SqlDatabase;
  readonly #cursors: LogCursors;

  constructor(database: SqlDatabase, cursors: LogCursors) {
    this.#database = database;
    this.#cursors = cursors;
  }

  /**
   * Reads a page. The sizes are read before the messages, so that a page never has more than `maxBytes` of messages in memory,
   * unless its only message is larger.
   */
  read(request: RowsRequest): RowsPage {
    const { limit, maxBytes } = request;
    const entries: LogEntry[] = [];
    let bytes = 0;
    let { position } = request;
    while (entries.length < limit) {
      const step = Math.min(STEP, limit - entries.length);
      const sequences = request.next?.(step);
      const until = lastOf(request, position);
      const heads = this.#sizes(request, { position, until, limit: step }, sequences);
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
      if (scanned.length < step) return { entries, end: sequences ? undefined : until };
      position = scanned.at(-1) ?? position;
    }
    return { entries, end: position };
  }

  /** Returns the sizes of the next readable messages. With `sequences`, only these messages are read. */
  #sizes(
    { isForwards, now }: RowsRequest,
    { position, until = isForwards ? Number.MAX_SAFE_INTEGER : 0, limit }: Rows,
    sequences: readonly number[] | undefined,
  ): { readonly sequence: number; readonly size: Bytes }[] {
    const order = isForwards ? "" : "DESC";
    const where =
      sequences === undefined
        ? `sequence BETWEEN ? AND ?`
        : "sequence IN (SELECT value FROM json_each(?))";
    const selects = MESSAGE_TABLES.map(
      (table) => `SELECT sequence, size FROM ${table} WHERE ${where} AND ${IS_READABLE}`,
    );
    const range = isForwards ? [position + 1, until] : [until, position - 1];
    const bindings = [...(sequences === undefined ? range : [JSON.stringify(sequences)]), now];
    return this.#database.all(
      `${selects.join(" UNION ALL ")} ORDER BY sequence ${order} LIMIT ?`,
      ...[...bindings, ...bindings, limit],
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
    const rows = MESSAGE_TABLES.flatMap((table) =>
      this.#database.all<MessageRow>(`SELECT * FROM ${table} WHERE ${where}`, ...bindings),
    );
    rows.sort((a, b) => (isForwards ? a.sequence - b.sequence : b.sequence - a.sequence));
    return rows.map((row) => this.#toEntry(row));
  }

  #toEntry({ sequence, at, change, ttl, traceparent, ...row }: MessageRow): LogEntry {
    const { id, data } = row;
    const content = { id, topics: parseTopics(row.topics), data, private: row.private === 1 };
    return {
      cursor: this.#cursors.format(sequence),
      at,
      message: {
        ...content,
        ...(change === null ? {} : { change }),
        ...(ttl === null ? {} : { ttl }),
        ...(traceparent === null ? {} : { traceparent }),
      },
    };
  }
}
