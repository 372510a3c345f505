import type { Milliseconds } from "../realtime/units.ts";
import type { RevocationStore, StoredRevocation } from "./log.ts";
import type { SqlDatabase } from "./sql.ts";

const SCHEMA =
  "CREATE TABLE IF NOT EXISTS revocations (subject TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID";

/** The table with the revocations of a hub or a process. */
export class RevocationRows implements RevocationStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  set(subject: string, at: Milliseconds): void {
    this.#database.exec(
      "INSERT OR REPLACE INTO revocations (subject, at) VALUES (?, ?)",
      subject,
      at,
    );
  }

  remove(subject: string): void {
    this.#database.exec("DELETE FROM revocations WHERE subject = ?", subject);
  }

  all(): readonly StoredRevocation[] {
    return this.#database.all<StoredRevocation>("SELECT subject, at FROM revocations ORDER BY at");
  }
}
