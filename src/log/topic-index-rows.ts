import { matchingTopics } from "../realtime/subscriptions/subscription-key.ts";
import { hashText } from "../realtime/text-hash.ts";
import { MergedSequences, SequenceList } from "./merged-sequences.ts";
import type { SqlDatabase } from "./sql.ts";
import { isPattern } from "./topic-pattern.ts";

/** Maximum number of topics and patterns that one read looks up in the index. With more, all messages are read. */
const MAX_LOOKUPS = 1000;

/** Bounds on the number of sequences of one name that are read at a time. With many names, fewer are read. */
const MAX_CHUNK = 64;
const MIN_CHUNK = 4;

/** Number of levels of the longest pattern in the index. A longer pattern is looked up by its first levels. */
const MAX_LEVELS = 4;

/** Maximum length of a stored name. A longer name is stored as its hash, so that the size of a message's rows is bounded. */
const MAX_NAME_LENGTH = 64;

/**
 * The index of a SQLite log: the sequences of the messages to each topic. With `indexesPatterns`, the index has all messages of
 * the log, and it also has the sequences of the messages that match each pattern except `*`. Otherwise the index has only
 * messages to topics with a rule that keeps messages.
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

  /** Returns the sequence of the next message to a topic. A text such as `chat/*` is read as a topic, and not as a pattern. */
  nextOf(topic: string, position: number): number | undefined {
    return this.#sequences(nameOf(topic), position, true, 1)[0];
  }

  /**
   * Reads the sequences of messages that match one of these topics and patterns, in the order of the read. For a pattern of more
   * than `MAX_LEVELS` levels there may be other messages among them.
   *
   * @param position The sequences are after this one, or before it if `isForwards` is false.
   * @returns A function that returns the next `limit` sequences. It returns fewer when there are no further ones.
   */
  read(
    topics: readonly string[],
    position: number,
    isForwards: boolean,
  ): (limit: number) => readonly number[] {
    const names = new Set(
      topics.map((topic) => (isPattern(topic) ? nameOfPattern : nameOf)(topic)),
    );
    const chunk = Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, Math.ceil(512 / names.size)));
    const lists = [...names].map((name) => {
      return new SequenceList((from) => this.#sequences(name, from, isForwards, chunk), position);
    });
    const merged = new MergedSequences(lists, isForwards);
    return (limit) => merged.take(limit);
  }

  #sequences(name: string, position: number, isForwards: boolean, limit: number): number[] {
    const query = `SELECT sequence FROM message_topics WHERE topic = ? AND sequence ${isForwards ? ">" : "<"} ?
      ORDER BY sequence ${isForwards ? "" : "DESC"} LIMIT ?`;
    return this.#database
      .all<{ sequence: number }>(query, name, position, limit)
      .map(({ sequence }) => sequence);
  }

  #namesOf(topics: readonly string[]): ReadonlySet<string> {
    if (!this.indexesPatterns) return new Set(topics.map(nameOf));
    // A topic with the text of a pattern matches this pattern.
    const patterns = topics
      .flatMap(matchingTopics)
      .filter((match) => isPattern(match) && match !== "*");
    return new Set([...topics.map(nameOf), ...patterns.map(nameOfPattern)]);
  }
}

/** The name of a topic in the index. A hash begins with a line break, which no topic contains. */
function nameOf(topic: string): string {
  return topic.length > MAX_NAME_LENGTH ? `\n${hashText(topic)}` : topic;
}

/** The name of a pattern ends with a line break, because a topic may have the text of a pattern. */
function nameOfPattern(pattern: string): string {
  const levels = pattern.split("/");
  const indexed =
    levels.length > MAX_LEVELS ? `${levels.slice(0, MAX_LEVELS - 1).join("/")}/*` : pattern;
  return `${nameOf(indexed)}\n`;
}
