import { formatCursor, newEpoch, parseCursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { LogEntry, Message, TailListener } from "../realtime/types.ts";
import { assertNoReusedIds, fingerprint } from "./fingerprint.ts";
import {
  DEFAULT_HISTORY,
  type HistoryLimits,
  isHistoryEnabled,
  type LogStats,
  type MessageLog,
  messageSize,
  type PublishReceipt,
  REMEMBERED_IDS,
} from "./log.ts";
import { RememberedIdRows } from "./remembered-id-rows.ts";

type SqlValue = string | number | null | ArrayBuffer;

/** As much of a Durable Object's storage as the log uses. */
export interface SqliteStorage {
  readonly sql: {
    exec<Row extends Record<string, SqlValue>>(
      query: string,
      ...bindings: SqlValue[]
    ): { toArray(): Row[] } & Iterable<Row>;
  };
  /** Runs it whole or, when it throws, not at all. */
  transactionSync<T>(run: () => T): T;
}

/** What a SQLite log is made of. */
export interface SqliteLogOptions {
  readonly storage: SqliteStorage;
  /** Index of the shard its cursors name. Default 0. */
  readonly shard?: number | undefined;
  /** Bounds on what is kept; the default for each that is left out. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Under SQLite's limit of 2 MB for a row in a Durable Object. */
const MAX_ROW_BYTES = 1_900_000;

// Ids have a table of their own because they are remembered for their own time, however short the history.
// Its newest row stays for good: it keeps the sequence.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    private INTEGER NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS message_ids (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    fingerprint INTEGER
  );
  CREATE TABLE IF NOT EXISTS log_life (life TEXT NOT NULL);
`;

interface Row extends Record<string, SqlValue> {
  readonly sequence: number;
  readonly id: string;
  readonly topics: string;
  readonly data: string;
  readonly private: number;
  readonly at: number;
  readonly size: number;
}

/** What is kept beside the rows; read back from them when the object wakes. */
interface Extent {
  /** The newest message's. */
  readonly sequence: number;
  /** The first that can still be read; `sequence + 1` when none can. */
  readonly oldest: number;
  readonly bytes: number;
}

/** A log in a Durable Object's own SQLite: it survives eviction, restart and deploys. */
export class SqliteLog implements MessageLog {
  readonly keepsHistory: boolean;
  readonly #storage: SqliteStorage;
  readonly #shard: number;
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #listeners = new Set<TailListener>();
  readonly #epoch: string;
  readonly #idRows: RememberedIdRows;
  #extent: Extent;
  /** When the newest message was taken. */
  #newestAt = 0;
  #accepted = 0;
  #duplicate = 0;

  constructor(options: SqliteLogOptions) {
    this.#storage = options.storage;
    this.#shard = options.shard ?? 0;
    this.#limits = { ...DEFAULT_HISTORY, ...options.history };
    this.keepsHistory = isHistoryEnabled(this.#limits);
    this.#now = options.now ?? Date.now;
    this.#storage.sql.exec(SCHEMA);
    this.#addFingerprints();
    this.#idRows = new RememberedIdRows(this.#storage.sql);
    this.#epoch = this.#readEpoch();
    this.#extent = this.#readExtent();
  }

  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const at = this.#readClock();
    const fresh: LogEntry[] = [];
    let extent = this.#extent;
    const receipts = this.#storage.transactionSync(() => {
      this.#idRows.beginTransaction();
      const reused: number[] = [];
      const answers = messages.map((message, index) => {
        const own = fingerprint(message);
        const earlier = this.#earlier(message.id, at);
        const duplicate = earlier !== undefined;
        // A row of an older release has no fingerprint, and counts as equal.
        if (duplicate && earlier !== null && earlier !== own) reused.push(index);
        if (!duplicate) {
          extent = this.#insert(message, own, at, extent);
          this.#idRows.noteInsert(message.id);
          fresh.push({ cursor: this.#cursorAt(extent.sequence), at, message });
        }
        return { id: message.id, duplicate };
      });
      // What was inserted before is rolled back.
      assertNoReusedIds(reused);
      this.#idRows.enforceQuotas();
      extent = this.#trimmed(extent, at);
      return answers;
    });
    this.#extent = extent;
    if (fresh.length > 0) this.#newestAt = at;
    this.#accepted += fresh.length;
    this.#duplicate += receipts.length - fresh.length;
    if (fresh.length > 0) for (const listener of this.#listeners) listener(fresh);
    return receipts;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#cursorAt(this.#extent.sequence);
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.trim();
    const oldest = this.#extent.oldest - 1;
    const from = after === undefined ? oldest : this.#sequenceOf(after);
    if (from === undefined || from < oldest || from > this.#extent.sequence) return undefined;
    const query = "SELECT * FROM messages WHERE sequence > ? ORDER BY sequence LIMIT ?";
    return this.#page(query, from, limit, maxBytes);
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.trim();
    const end = this.#extent.sequence + 1;
    const to = before === undefined ? end : this.#sequenceOf(before);
    if (to === undefined || to > end) return undefined;
    const query = "SELECT * FROM messages WHERE sequence < ? ORDER BY sequence DESC LIMIT ?";
    return this.#page(query, to, limit, maxBytes);
  }

  stats(): LogStats {
    this.trim();
    const { sequence, oldest, bytes } = this.#extent;
    return {
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      messages: sequence - oldest + 1,
      bytes,
    };
  }

  close(): void {
    this.#listeners.clear();
  }

  /** Drops messages past the history's bounds, and ids past the time and number that are remembered. */
  trim(): void {
    const now = this.#readClock();
    this.#extent = this.#storage.transactionSync(() => this.#trimmed(this.#extent, now));
  }

  /** When everything kept will have expired, in milliseconds since 1970; undefined when nothing waits for that. */
  expiresAt(): number | undefined {
    const [ids] = this.#query<{ count: number; at: number | null }>(
      "SELECT COUNT(*) AS count, MAX(at) AS at FROM message_ids",
    );
    const isEmpty = this.#extent.oldest > this.#extent.sequence && (ids?.count ?? 0) <= 1;
    if (isEmpty || typeof ids?.at !== "number") return undefined;
    return ids.at + Math.max(this.#limits.maxAge, REMEMBERED_IDS.maxAge);
  }

  /**
   * A message's age survives sleep, so it is measured by the wall clock. Messages that seem to come from the future were taken
   * before the clock was set back: they count as taken now, so that they grow old like any other.
   */
  #readClock(): number {
    const now = this.#now();
    if (now >= this.#newestAt) return now;
    this.#newestAt = now;
    this.#storage.transactionSync(() => {
      this.#query("UPDATE messages SET at = ? WHERE at > ?", now, now);
      this.#query("UPDATE message_ids SET at = ? WHERE at > ?", now, now);
    });
    return now;
  }

  #query<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): T[] {
    return this.#storage.sql.exec<T>(query, ...bindings).toArray();
  }

  /** Row by row, so that no more are in memory than `maxBytes` let. */
  #page(query: string, place: number, limit: number, maxBytes: number): LogEntry[] {
    const found: LogEntry[] = [];
    let bytes = 0;
    for (const row of this.#storage.sql.exec<Row>(query, place, limit)) {
      bytes += row.size;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(this.#toEntry(row));
    }
    return found;
  }

  #readEpoch(): string {
    const [row] = this.#query<{ life: string }>("SELECT life FROM log_life");
    if (row !== undefined) return row.life;
    const life = newEpoch();
    this.#query("INSERT INTO log_life (life) VALUES (?)", life);
    return life;
  }

  #readExtent(): Extent {
    const [newest] = this.#query<{ sequence: number; at: number }>(
      "SELECT sequence, at FROM message_ids ORDER BY sequence DESC LIMIT 1",
    );
    this.#newestAt = newest?.at ?? 0;
    const [kept] = this.#query<{ oldest: number | null; bytes: number | null }>(
      "SELECT MIN(sequence) AS oldest, SUM(size) AS bytes FROM messages",
    );
    const sequence = newest?.sequence ?? 0;
    return { sequence, oldest: kept?.oldest ?? sequence + 1, bytes: kept?.bytes ?? 0 };
  }

  /** The fingerprint of the remembered message with this id; undefined when there is none. */
  #earlier(id: string, now: number): number | null | undefined {
    const query = "SELECT at, fingerprint FROM message_ids WHERE id = ?";
    const [row] = this.#query<{ at: number; fingerprint: number | null }>(query, id);
    if (row === undefined || now - row.at >= REMEMBERED_IDS.maxAge) return undefined;
    return row.fingerprint;
  }

  /** The table of a release before fingerprints lacks their column. */
  #addFingerprints(): void {
    const columns = this.#query<{ name: string }>("PRAGMA table_info(message_ids)");
    if (columns.some(({ name }) => name === "fingerprint")) return;
    this.#query("ALTER TABLE message_ids ADD COLUMN fingerprint INTEGER");
  }

  #insert(message: Message, own: number, at: number, extent: Extent): Extent {
    const { id, topics, data } = message;
    const size = messageSize(message);
    if (size > MAX_ROW_BYTES) {
      throw new RealtimeError(
        "invalid_input",
        `A message may take ${MAX_ROW_BYTES} bytes, this one takes ${size}. Send less at a time.`,
      );
    }
    const sequence = extent.sequence + 1;
    this.#query(
      "INSERT INTO messages (sequence, id, topics, data, private, at, size) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...[sequence, id, JSON.stringify(topics), data, message.private ? 1 : 0, at, size],
    );
    // Replaces an id that has been remembered for long enough.
    this.#query(
      "INSERT OR REPLACE INTO message_ids (sequence, id, at, fingerprint) VALUES (?, ?, ?, ?)",
      sequence,
      id,
      at,
      own,
    );
    return { ...extent, sequence, bytes: extent.bytes + size };
  }

  #trimmed(extent: Extent, now: number): Extent {
    const { messages, maxAge, bytes } = this.#limits;
    const { sequence } = extent;
    const young = this.#firstAfter("messages", now - maxAge) ?? sequence + 1;
    let kept = this.#dropBelow(extent, Math.max(young, sequence - messages + 1));
    while (kept.bytes > bytes) kept = this.#dropBelow(kept, kept.oldest + 1);
    const youngId = this.#firstAfter("message_ids", now - REMEMBERED_IDS.maxAge) ?? sequence;
    this.#idRows.trim(youngId, sequence);
    return kept;
  }

  /** The first row that came after a time; it reads no more rows than come before. */
  #firstAfter(table: "messages" | "message_ids", at: number): number | undefined {
    const query = `SELECT sequence FROM ${table} WHERE at > ? ORDER BY sequence LIMIT 1`;
    return this.#query<{ sequence: number }>(query, at)[0]?.sequence;
  }

  #dropBelow(extent: Extent, boundary: number): Extent {
    if (boundary <= extent.oldest) return extent;
    const dropped = this.#query<{ size: number }>(
      "DELETE FROM messages WHERE sequence < ? RETURNING size",
      boundary,
    );
    const freed = dropped.reduce((sum, { size }) => sum + size, 0);
    return { ...extent, oldest: boundary, bytes: extent.bytes - freed };
  }

  #toEntry(row: Row): LogEntry {
    const { id, data, at } = row;
    const topics = JSON.parse(row.topics) as string[];
    return {
      cursor: this.#cursorAt(row.sequence),
      at,
      message: { id, topics, data, private: row.private === 1 },
    };
  }

  #sequenceOf(text: string): number | undefined {
    const cursor = parseCursor(text);
    return cursor?.shard === this.#shard && cursor.epoch === this.#epoch
      ? cursor.sequence
      : undefined;
  }

  #cursorAt(sequence: number): string {
    return formatCursor({ shard: this.#shard, epoch: this.#epoch, sequence });
  }
}
