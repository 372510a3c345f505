import { hashText } from "../realtime/text-hash.ts";
import type { SqlDatabase } from "./sql.ts";

/** Maximum length of a stored name. A longer name is stored as its hash, so that the size of a message's rows is bounded. */
const MAX_NAME_LENGTH = 64;

/** Returns the next `limit` sequences of a read. Returns fewer when there are no further ones. */
export type NextSequences = (limit: number) => readonly number[];

/** The index of a SQLite log: the sequences of the messages to each topic with a rule that keeps messages. */
export class TopicIndexRows {
  /** Whether the index has all messages of the log (`PatternIndexRows`). */
  readonly hasAllMessages: boolean = false;
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.exec(
      "CREATE TABLE IF NOT EXISTS message_topics (topic TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (topic, sequence)) WITHOUT ROWID",
    );
  }

  insert(sequence: number, topics: readonly string[]): void {
    for (const name of this.namesOf(topics)) {
      this.#database.exec(
        "INSERT OR IGNORE INTO message_topics (topic, sequence) VALUES (?, ?)",
        name,
        sequence,
      );
    }
  }

  remove(sequence: number, topics: readonly string[]): void {
    for (const name of this.namesOf(topics)) {
      this.#database.exec(
        "DELETE FROM message_topics WHERE topic = ? AND sequence = ?",
        name,
        sequence,
      );
    }
  }

  isEmpty(): boolean {
    return this.#database.all("SELECT 1 FROM message_topics LIMIT 1").length === 0;
  }

  /** Returns the sequence of the next message to a topic. A text such as `chat/*` is read as a topic, and not as a pattern. */
  nextOf(topic: string, position: number): number | undefined {
    return this.sequences(nameOf(topic), position, true, 1)[0];
  }

  /** Reads the messages that match one of these topics and patterns. Undefined if the index does not have all of them. */
  reader(
    _topics: readonly string[],
    _position: number,
    _isForwards: boolean,
  ): NextSequences | undefined {
    return undefined;
  }

  /** Reads the sequences of one name, after a position or before it. */
  protected sequences(
    name: string,
    position: number,
    isForwards: boolean,
    limit: number,
  ): number[] {
    const query = `SELECT sequence FROM message_topics WHERE topic = ? AND sequence ${isForwards ? ">" : "<"} ?
      ORDER BY sequence ${isForwards ? "" : "DESC"} LIMIT ?`;
    return this.#database
      .all<{ sequence: number }>(query, name, position, limit)
      .map(({ sequence }) => sequence);
  }

  /** The names in the index of a message to these topics. */
  protected namesOf(topics: readonly string[]): ReadonlySet<string> {
    return new Set(topics.map(nameOf));
  }
}

/** The name of a topic in the index. A hash begins with a line break, which no topic contains. */
export function nameOf(topic: string): string {
  return topic.length > MAX_NAME_LENGTH ? `\n${hashText(topic)}` : topic;
}
