import { newEpoch } from "../realtime/cursor.ts";
import { addMissingColumn } from "./add-missing-column.ts";
import { type Epoch, EpochChain } from "./epochs.ts";
import type { SqlDatabase } from "./sql.ts";

/** The table with the epochs of a SQLite log. */
export class EpochRows {
  readonly chain: EpochChain;
  readonly #database: SqlDatabase;

  /**
   * @param sequence Sequence of the newest message.
   * @param beginsEpoch Whether the log begins a new epoch now, because the storage may have lost its newest messages.
   */
  constructor(database: SqlDatabase, sequence: number, beginsEpoch: boolean) {
    this.#database = database;
    // An earlier version had one epoch, and no column `start`.
    database.exec("CREATE TABLE IF NOT EXISTS log_epoch (epoch TEXT NOT NULL)");
    addMissingColumn(database, "log_epoch", "start INTEGER");
    const stored = database.all<Epoch>(
      "SELECT epoch AS name, COALESCE(start, 0) AS start FROM log_epoch ORDER BY rowid",
    );
    const [first = { name: newEpoch(), start: 0 }, ...rest] = stored;
    this.chain = new EpochChain([first, ...rest]);
    if (stored.length === 0) this.#insert(first);
    else if (beginsEpoch) {
      const epoch = { name: newEpoch(), start: sequence };
      for (const { name } of this.chain.begin(epoch)) {
        database.exec("DELETE FROM log_epoch WHERE epoch = ?", name);
      }
      this.#insert(epoch);
    }
  }

  #insert({ name, start }: Epoch): void {
    this.#database.exec("INSERT INTO log_epoch (epoch, start) VALUES (?, ?)", name, start);
  }
}
