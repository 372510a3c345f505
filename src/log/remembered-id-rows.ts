import { publisherOfId, REMEMBERED_IDS } from "./log.ts";

/** As much of a Durable Object's SQL as is used here. */
interface Sql {
  exec<Row extends Record<string, string | number | null | ArrayBuffer>>(
    query: string,
    ...bindings: (string | number)[]
  ): { toArray(): Row[] };
}

/** Of a publisher with more than its share, so many are left: the rows are then counted only now and then. */
const LEFT = REMEMBERED_IDS.perPublisher * 0.9;

/** Publishers that are counted in memory; beyond it all are counted anew. */
const MOST_PUBLISHERS = 10_000;

// The ids of a publisher begin with its name and a tab, and the character behind a tab is a line feed.
const OF_PUBLISHER = "FROM message_ids WHERE id >= ? || char(9) AND id < ? || char(10)";

/**
 * Bounds the ids that a SQLite log remembers by their number, and each publisher to its share of them: one that publishes very
 * much must not make the log forget the ids of others. Counts rows in memory, since SQLite reads each row that it counts; a
 * count may be too high by ids that were written again after they had expired.
 */
export class RememberedIdRows {
  readonly #sql: Sql;
  /** By name, how many rows there are at most: rows that go by age or number are not subtracted. */
  readonly #counts = new Map<string, number>();
  readonly #overQuota = new Set<string>();
  /** Of all rows; undefined until they have been counted. */
  #total: number | undefined;
  #inTransaction = false;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** At the beginning of a transaction. What one that failed has counted is counted anew. */
  beginTransaction(): void {
    if (this.#inTransaction) this.#total = undefined;
    if (this.#inTransaction || this.#counts.size > MOST_PUBLISHERS) this.#counts.clear();
    this.#overQuota.clear();
    this.#inTransaction = true;
  }

  /** An id has been written. */
  noteInsert(id: string): void {
    if (this.#total !== undefined) this.#total += 1;
    const name = publisherOfId(id);
    if (name === undefined) return;
    const before = this.#counts.get(name);
    const count = before === undefined ? this.#rowsOf(name) : before + 1;
    this.#counts.set(name, count);
    if (count > REMEMBERED_IDS.perPublisher) this.#overQuota.add(name);
  }

  /** At the end of a transaction: of publishers with more than their share the oldest ids are forgotten. */
  enforceQuotas(): void {
    for (const name of this.#overQuota) {
      const rows = this.#rowsOf(name);
      const surplus = Math.max(rows - LEFT, 0);
      this.#delete(
        `sequence IN (SELECT sequence ${OF_PUBLISHER} ORDER BY sequence LIMIT ?)`,
        ...[name, name, surplus],
      );
      this.#counts.set(name, rows - surplus);
    }
    this.#inTransaction = false;
  }

  /** Forgets what came before a sequence, and the oldest of too many; never the newest. */
  trim(before: number, newest: number): void {
    this.#delete("sequence < ?", Math.min(before, newest));
    this.#total ??= this.#count("FROM message_ids");
    const surplus = this.#total - REMEMBERED_IDS.count;
    if (surplus <= 0) return;
    const oldest = "SELECT sequence FROM message_ids WHERE sequence < ? ORDER BY sequence LIMIT ?";
    this.#delete(`sequence IN (${oldest})`, newest, surplus);
  }

  #delete(where: string, ...bindings: (string | number)[]): void {
    const query = `DELETE FROM message_ids WHERE ${where} RETURNING sequence`;
    const deleted = this.#sql.exec<{ sequence: number }>(query, ...bindings).toArray().length;
    if (this.#total !== undefined) this.#total -= deleted;
  }

  #rowsOf(name: string): number {
    return this.#count(OF_PUBLISHER, name, name);
  }

  #count(from: string, ...bindings: string[]): number {
    const query = `SELECT COUNT(*) AS count ${from}`;
    return this.#sql.exec<{ count: number }>(query, ...bindings).toArray()[0]?.count ?? 0;
  }
}
