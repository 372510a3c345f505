import type { Sql } from "./subscription-store.ts";

const SCHEMA =
  "CREATE TABLE IF NOT EXISTS revocations (subject TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID";

/** Who was revoked and when, across the hub's sleep. */
export class RevocationStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** @param at Milliseconds since 1970. */
  set(subject: string, at: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO revocations (subject, at) VALUES (?, ?)", subject, at);
  }

  remove(subject: string): void {
    this.#sql.exec("DELETE FROM revocations WHERE subject = ?", subject);
  }

  /** The oldest first. */
  all(): { readonly subject: string; readonly at: number }[] {
    return this.#sql
      .exec<{ subject: string; at: number }>("SELECT subject, at FROM revocations ORDER BY at")
      .toArray();
  }
}
