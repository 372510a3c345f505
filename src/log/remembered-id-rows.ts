import type { Milliseconds } from "../realtime/units.ts";
import { addMissingColumn } from "./add-missing-column.ts";
import { publisherOfId, type RememberedIdLimits } from "./log.ts";
import type { SqlDatabase } from "./sql.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS message_ids (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    fingerprint INTEGER
  )
`;

/** Maximum number of publishers with a row count in memory. Beyond this number, the counts of all publishers are discarded. */
const MAX_COUNTED_PUBLISHERS = 10_000;

// The ids of a publisher start with its identity and a tab. The range ends before the identity and a line feed, which is the
// next character code after a tab.
const OF_PUBLISHER = "FROM message_ids WHERE id >= ? || char(9) AND id < ? || char(10)";

/**
 * The table with the message ids that a SQLite log remembers, within `RememberedIdLimits`. It is separate from the
 * table of messages because these bounds do not depend on the limits of the history. The newest row is never deleted, because
 * the next message gets the sequence after it.
 *
 * If a publisher exceeds its quota, its own oldest ids are deleted. A publisher with very many messages therefore takes at most
 * half of the remembered ids. Row counts are stored in memory because SQLite reads each row that it counts. The total may be
 * too high, because the insertion of an expired id replaces a row but is counted as a new row.
 */
export class RememberedIdRows {
  readonly #database: SqlDatabase;
  readonly limits: RememberedIdLimits;
  /** Upper bounds of the publishers' row counts. Deletions because of age or the total number are not subtracted. */
  readonly #counts = new Map<string, number>();
  readonly #overQuota = new Set<string>();
  /** Upper bound of the number of all rows. Undefined until the rows are counted. */
  #total: number | undefined;
  /** No row is older than this. Undefined if this is not known. */
  #oldestAt: Milliseconds | undefined;

  constructor(database: SqlDatabase, limits: RememberedIdLimits) {
    this.#database = database;
    this.limits = limits;
    database.exec(SCHEMA);
    addMissingColumn(database, "message_ids", "fingerprint INTEGER");
  }

  /** Returns the newest row. Undefined in an empty table. */
  newest(): { readonly sequence: number; readonly at: Milliseconds } | undefined {
    const query = "SELECT sequence, at FROM message_ids ORDER BY sequence DESC LIMIT 1";
    return this.#database.all<{ sequence: number; at: number }>(query)[0];
  }

  /** Returns the number of rows and their latest time. */
  extent(): { readonly count: number; readonly latest: Milliseconds | undefined } {
    const [row] = this.#database.all<{ count: number; at: number | null }>(
      "SELECT COUNT(*) AS count, MAX(at) AS at FROM message_ids",
    );
    return { count: row?.count ?? 0, latest: row?.at ?? undefined };
  }

  /**
   * Returns the fingerprint of the message with this id. Undefined when the id is not remembered. Null for an id that an
   * earlier version has stored without a fingerprint.
   */
  fingerprintOf(id: string, now: Milliseconds): number | null | undefined {
    const [row] = this.#database.all<{ at: number; fingerprint: number | null }>(
      "SELECT at, fingerprint FROM message_ids WHERE id = ?",
      id,
    );
    if (row === undefined || now - row.at >= this.limits.maxAge) return undefined;
    return row.fingerprint;
  }

  /** Must be called first in a transaction. */
  beginTransaction(): void {
    if (this.#counts.size > MAX_COUNTED_PUBLISHERS) this.#counts.clear();
    this.#overQuota.clear();
  }

  /** Must be called when a transaction was rolled back. All rows are counted again. */
  onRollback(): void {
    this.#total = undefined;
    this.#oldestAt = undefined;
    this.#counts.clear();
  }

  /** Inserts an id, or replaces the row of an id that is older than `RememberedIdLimits.maxAge`. */
  insert(sequence: number, id: string, at: Milliseconds, fingerprint: number): void {
    this.#database.exec(
      "INSERT OR REPLACE INTO message_ids (sequence, id, at, fingerprint) VALUES (?, ?, ?, ?)",
      sequence,
      id,
      at,
      fingerprint,
    );
    if (this.#total !== undefined) this.#total += 1;
    const publisher = publisherOfId(id);
    if (publisher === undefined) return;
    const before = this.#counts.get(publisher);
    const count = before === undefined ? this.#countOf(publisher) : before + 1;
    this.#counts.set(publisher, count);
    if (count > this.limits.count / 2) this.#overQuota.add(publisher);
  }

  /**
   * Deletes the oldest ids of publishers that exceed their quota. Call this in the transaction, after the last `insert` and
   * before `trim`.
   */
  enforceQuotas(): void {
    for (const publisher of this.#overQuota) {
      const count = this.#countOf(publisher);
      // A tenth more than the surplus is deleted, so that the publisher's rows are not counted for each message.
      // One row is left, because it may be the newest of all.
      const remaining = Math.max(Math.ceil(0.45 * this.limits.count), 1);
      const surplus = Math.max(count - remaining, 0);
      this.#delete(
        `sequence IN (SELECT sequence ${OF_PUBLISHER} ORDER BY sequence LIMIT ?)`,
        publisher,
        publisher,
        surplus,
      );
      this.#counts.set(publisher, count - surplus);
    }
  }

  /**
   * Deletes ids that are too old, and the oldest ids when there are too many.
   *
   * @param newest Sequence of the newest message. Its row is never deleted.
   * @param maxRows Maximum number of ids to delete for each of the two reasons.
   * @returns Whether more may be left.
   */
  trim(now: Milliseconds, newest: number, maxRows: number): boolean {
    const { count, maxAge } = this.limits;
    let mayHaveOld = false;
    if (this.#oldestAt === undefined || now - this.#oldestAt >= maxAge) {
      const end = Number.isFinite(maxRows) ? Math.min(newest, this.#oldest() + maxRows) : newest;
      const young = this.#firstAfter(now - maxAge, end);
      this.#delete("sequence < ?", young?.sequence ?? end);
      this.#oldestAt = young?.at;
      mayHaveOld = young === undefined && end < newest;
    }
    this.#total ??= this.#count("FROM message_ids");
    // A hundredth more may be left, so that not every transaction deletes.
    if (this.#total <= count + Math.floor(count / 100)) return mayHaveOld;
    const surplus = this.#total - count;
    const oldest = "SELECT sequence FROM message_ids WHERE sequence < ? ORDER BY sequence LIMIT ?";
    this.#delete(`sequence IN (${oldest})`, newest, Math.min(surplus, maxRows));
    return mayHaveOld || surplus > maxRows;
  }

  /** Sets times that are later than `now` to `now`. */
  capTimes(now: Milliseconds): void {
    this.#oldestAt = undefined;
    this.#database.exec("UPDATE message_ids SET at = ? WHERE at > ?", now, now);
  }

  /** The oldest sequence. 0 in an empty table. */
  #oldest(): number {
    const query = "SELECT MIN(sequence) AS sequence FROM message_ids";
    return this.#database.all<{ sequence: number | null }>(query)[0]?.sequence ?? 0;
  }

  #firstAfter(
    at: Milliseconds,
    end: number,
  ): { readonly sequence: number; readonly at: Milliseconds } | undefined {
    const query =
      "SELECT sequence, at FROM message_ids WHERE at > ? AND sequence <= ? ORDER BY sequence LIMIT 1";
    return this.#database.all<{ sequence: number; at: number }>(query, at, end)[0];
  }

  #delete(where: string, ...bindings: (string | number)[]): void {
    const query = `DELETE FROM message_ids WHERE ${where} RETURNING sequence`;
    const deleted = this.#database.all<{ sequence: number }>(query, ...bindings).length;
    if (this.#total !== undefined) this.#total -= deleted;
  }

  #countOf(publisher: string): number {
    return this.#count(OF_PUBLISHER, publisher, publisher);
  }

  #count(from: string, ...bindings: string[]): number {
    const query = `SELECT COUNT(*) AS count ${from}`;
    return this.#database.all<{ count: number }>(query, ...bindings)[0]?.count ?? 0;
  }
}
