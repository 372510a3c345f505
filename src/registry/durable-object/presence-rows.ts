import type { SqlDatabase } from "../../log/sql.ts";
import type { MemberInfo, TopicReport } from "../../realtime/presence/presence.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS presence_members (
    topic TEXT NOT NULL,
    source INTEGER NOT NULL,
    id TEXT NOT NULL,
    info TEXT NOT NULL,
    since INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (topic, source, id)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS presence_sources (
    topic TEXT NOT NULL,
    source INTEGER NOT NULL,
    guests INTEGER NOT NULL,
    PRIMARY KEY (topic, source)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS presence_unsent (topic TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS presence_counted (topic TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS presence_shards (count INTEGER PRIMARY KEY)
`;

const OF_SOURCE = "WHERE topic = ? AND source = ?";

/** The contribution of one source to a topic. */
export interface SourceTopic {
  readonly source: number;
  readonly topic: string;
}

/**
 * The members of topics as each source (shard) has reported them, stored for the hub's next wake. A topic that a source occupies
 * has one row in `presence_sources`, and one row in `presence_members` for each member.
 */
export class PresenceRows {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  /** Stores a report of a source. Rows that stay the same are not written. */
  apply(
    source: number,
    { topic, isOccupied, guests, present, left, isComplete }: TopicReport,
  ): void {
    const database = this.#database;
    const remove = `DELETE FROM presence_members ${OF_SOURCE}`;
    if (isComplete || !isOccupied) database.exec(remove, topic, source);
    else for (const id of left) database.exec(`${remove} AND id = ?`, topic, source, id);
    for (const { id, info, since, updatedAt } of present) {
      database.exec(
        "INSERT OR REPLACE INTO presence_members (topic, source, id, info, since, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        topic,
        source,
        id,
        JSON.stringify(info),
        since,
        updatedAt,
      );
    }
    if (isOccupied) {
      database.exec(
        "INSERT INTO presence_sources (topic, source, guests) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET guests = excluded.guests WHERE guests <> excluded.guests",
        topic,
        source,
        guests,
      );
    } else database.exec(`DELETE FROM presence_sources ${OF_SOURCE}`, topic, source);
  }

  /** Returns a complete report of what a source has in a topic. */
  reportOf(source: number, topic: string): TopicReport {
    const [counts] = this.#database.all<{ guests: number }>(
      `SELECT guests FROM presence_sources ${OF_SOURCE}`,
      topic,
      source,
    );
    const members = this.#database.all<{
      id: string;
      info: string;
      since: number;
      updatedAt: number;
    }>(
      `SELECT id, info, since, updated_at AS updatedAt FROM presence_members ${OF_SOURCE}`,
      topic,
      source,
    );
    // The cast is safe because `apply` has written the column.
    const present = members.map((row) => ({ ...row, info: JSON.parse(row.info) as MemberInfo }));
    const { guests = 0 } = counts ?? {};
    return { topic, isOccupied: counts !== undefined, guests, present, left: [], isComplete: true };
  }

  /** Returns the topics that the sources from `first` on, and before `end`, occupy. */
  topicsOf(first: number, end: number = Number.MAX_SAFE_INTEGER): SourceTopic[] {
    return this.#database.all(
      "SELECT source, topic FROM presence_sources WHERE source >= ? AND source < ?",
      first,
      end,
    );
  }

  /** Returns the sources that occupy a topic. */
  sourcesOf(topic: string): number[] {
    return this.#database
      .all<SourceTopic>("SELECT source FROM presence_sources WHERE topic = ?", topic)
      .map(({ source }) => source);
  }

  /** Stores whether the members of a topic are listed for subscribers, or only counted. */
  setListed(topic: string, isListed: boolean): void {
    const statement = isListed
      ? "DELETE FROM presence_counted WHERE topic = ?"
      : "INSERT OR IGNORE INTO presence_counted (topic) VALUES (?)";
    this.#database.exec(statement, topic);
  }

  isListed(topic: string): boolean {
    return this.#database.all("SELECT 1 FROM presence_counted WHERE topic = ?", topic).length === 0;
  }

  /** Notes that a topic must be sent to the other hubs. */
  addUnsent(topic: string): void {
    this.#database.exec("INSERT OR IGNORE INTO presence_unsent (topic) VALUES (?)", topic);
  }

  removeUnsent(topic: string): void {
    this.#database.exec("DELETE FROM presence_unsent WHERE topic = ?", topic);
  }

  unsent(): string[] {
    return this.#database
      .all<{ topic: string }>("SELECT topic FROM presence_unsent")
      .map(({ topic }) => topic);
  }

  /** Whether a source occupies a topic, or a topic must be sent. */
  hasAny(source: number): boolean {
    const query =
      "SELECT 1 FROM presence_sources WHERE source = ? UNION ALL SELECT 1 FROM presence_unsent LIMIT 1";
    return this.#database.all(query, source).length > 0;
  }

  /** Stores the number of shards. Returns the number that was stored before. Default 1. */
  replaceShards(shards: number): number {
    const [row] = this.#database.all<{ count: number }>("SELECT count FROM presence_shards");
    const before = row?.count ?? 1;
    if (before !== shards) {
      this.#database.exec("DELETE FROM presence_shards");
      this.#database.exec("INSERT INTO presence_shards (count) VALUES (?)", shards);
    }
    return before;
  }
}
