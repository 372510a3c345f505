import type { SqlDatabase } from "../../log/sql.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS unfinished_delivery (id INTEGER PRIMARY KEY)";

/**
 * A stored flag that is set while a delivery is in progress: some clients have received the message, and others have not. If a
 * hub wakes with the flag set, it was interrupted, and does not know which clients have received the message (`restoreHub`).
 */
export class UnfinishedDelivery {
  readonly #database: SqlDatabase;
  #isNoted: boolean;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(SCHEMA);
    const rows = database.all<{ id: number }>("SELECT id FROM unfinished_delivery");
    this.#isNoted = rows.length > 0;
  }

  /** Whether the flag is set. */
  get isNoted(): boolean {
    return this.#isNoted;
  }

  /** Sets the flag. */
  note(): void {
    if (this.#isNoted) return;
    this.#database.exec("INSERT INTO unfinished_delivery (id) VALUES (1)");
    this.#isNoted = true;
  }

  clear(): void {
    if (!this.#isNoted) return;
    this.#database.exec("DELETE FROM unfinished_delivery");
    this.#isNoted = false;
  }
}
