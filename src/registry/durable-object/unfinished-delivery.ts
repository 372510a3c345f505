import type { Sql } from "../../log/sql.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS unfinished_delivery (id INTEGER PRIMARY KEY)";

/**
 * A stored flag that is set while a delivery is in progress: some clients have received the message, and others have not. If a
 * hub wakes with the flag set, it was interrupted, and does not know which clients have received the message (`restoreHub`).
 */
export class UnfinishedDelivery {
  readonly #sql: Sql;
  #isNoted: boolean;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(SCHEMA);
    const rows = sql.exec<{ id: number }>("SELECT id FROM unfinished_delivery").toArray();
    this.#isNoted = rows.length > 0;
  }

  /** Whether the flag is set. */
  get isNoted(): boolean {
    return this.#isNoted;
  }

  /** Sets the flag. */
  note(): void {
    if (this.#isNoted) return;
    this.#sql.exec("INSERT INTO unfinished_delivery (id) VALUES (1)");
    this.#isNoted = true;
  }

  clear(): void {
    if (!this.#isNoted) return;
    this.#sql.exec("DELETE FROM unfinished_delivery");
    this.#isNoted = false;
  }
}
