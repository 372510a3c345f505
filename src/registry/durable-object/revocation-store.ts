import type { SqlDatabase } from "../../log/sql.ts";
import type { Milliseconds } from "../../realtime/units.ts";

const SCHEMA =
  "CREATE TABLE IF NOT EXISTS revocations (subject TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID";

interface StoredRevocation {
  readonly subject: string;
  /** When the subject was revoked, in milliseconds since 1970. */
  readonly at: Milliseconds;
}

/** A hub's revocations, stored for its next wake. */
export class RevocationStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  /** @param at Milliseconds since 1970. */
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

  /** All revocations, oldest first. */
  all(): readonly StoredRevocation[] {
    return this.#database.all<{ subject: string; at: number }>(
      "SELECT subject, at FROM revocations ORDER BY at",
    );
  }
}
