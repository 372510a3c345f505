import type { Sql } from "./subscription-store.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS unfinished_delivery (id INTEGER PRIMARY KEY)";

/**
 * Whether some clients of a hub have a message and others do not yet. A hub that ends then has forgotten which clients those
 * are: it sends all of them back, and each resumes from the last id that it has.
 */
export class UnfinishedDelivery {
  readonly #sql: Sql;
  #isNoted: boolean;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(SCHEMA);
    this.#isNoted =
      sql.exec<{ id: number }>("SELECT id FROM unfinished_delivery").toArray().length > 0;
  }

  get isNoted(): boolean {
    return this.#isNoted;
  }

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
