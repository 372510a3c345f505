import { matchingTopics } from "../realtime/subscriptions/subscription-key.ts";
import type { SqlDatabase } from "./sql.ts";
import { isPattern } from "./topic-pattern.ts";

/** With more topics and patterns, reading all messages is simpler than asking the index for each. */
const MAX_LOOKUPS = 50;

/**
 * The index of a SQLite log: the sequences of each topic's messages. If `indexesPatterns` is set, it also has the sequences of
 * each pattern except `*`, for every message of the log. Otherwise it has only the topics of messages that a topic rule keeps.
 */
export class TopicIndexRows {
  readonly indexesPatterns: boolean;
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase, indexesPatterns: boolean) {
    this.#database = database;
    this.indexesPatterns = indexesPatterns;
    database.exec(
      "CREATE TABLE IF NOT EXISTS message_topics (topic TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (topic, sequence)) WITHOUT ROWID",
    );
  }

  insert(sequence: number, topics: readonly string[]): void {
    for (const name of this.#namesOf(topics)) {
      this.#database.exec(
        "INSERT OR IGNORE INTO message_topics (topic, sequence) VALUES (?, ?)",
        name,
        sequence,
      );
    }
  }

  remove(sequence: number, topics: readonly string[]): void {
    for (const name of this.#namesOf(topics)) {
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

  /** Whether the index has all messages that match these topics and patterns. */
  covers(topics: readonly string[]): boolean {
    return this.indexesPatterns && topics.length <= MAX_LOOKUPS && !topics.includes("*");
  }

  /** Returns the sequence of the next message to a topic, which may have the text of a pattern. */
  nextOf(topic: string, position: number): number | undefined {
    return this.#sequences(topic, position, true, 1)[0];
  }

  /**
   * Returns the next sequences of messages that match one of these topics and patterns, in the order of the read.
   *
   * @param position The sequences are after this one, or before it if `isForwards` is false.
   */
  next(
    topics: readonly string[],
    position: number,
    isForwards: boolean,
    limit: number,
  ): readonly number[] {
    const found = new Set<number>();
    for (const topic of topics) {
      const name = isPattern(topic) ? nameOfPattern(topic) : topic;
      for (const sequence of this.#sequences(name, position, isForwards, limit))
        found.add(sequence);
    }
    const sorted = [...found].sort((a, b) => (isForwards ? a - b : b - a));
    return sorted.slice(0, limit);
  }

  #sequences(name: string, position: number, isForwards: boolean, limit: number): number[] {
    const query = `SELECT sequence FROM message_topics WHERE topic = ? AND sequence ${isForwards ? ">" : "<"} ?
      ORDER BY sequence ${isForwards ? "" : "DESC"} LIMIT ?`;
    return this.#database
      .all<{ sequence: number }>(query, name, position, limit)
      .map(({ sequence }) => sequence);
  }

  #namesOf(topics: readonly string[]): ReadonlySet<string> {
    if (!this.indexesPatterns) return new Set(topics);
    // A topic with the text of a pattern matches this pattern.
    const patterns = topics
      .flatMap(matchingTopics)
      .filter((match) => isPattern(match) && match !== "*");
    return new Set([...topics, ...patterns.map(nameOfPattern)]);
  }
}

/** A topic may have the same text as a pattern. The name of a pattern in the index has a line break, which no topic has. */
function nameOfPattern(pattern: string): string {
  return `${pattern}\n`;
}
