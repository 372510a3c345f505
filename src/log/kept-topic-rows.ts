import { type TopicRule, TopicRules } from "../realtime/topic-rules.ts";
import type { Bytes } from "../realtime/units.ts";
import { DEFAULT_KEPT, type KeptLimits, type KeptStats, type LogOptions } from "./log.ts";
import type { MessageHead, MessageRows } from "./message-rows.ts";
import type { SqlDatabase } from "./sql.ts";
import type { TopicIndexRows } from "./topic-index-rows.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS kept_topics (
    topic TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS kept_rules (rules TEXT NOT NULL)
`;

/** The kept messages of one topic: all of its messages in `TopicIndexRows` from `first` to `newest`. */
interface KeptTopic {
  readonly topic: string;
  /** Sequence of the oldest kept message. */
  first: number;
  /** Sequence of the newest kept message. */
  newest: number;
  count: number;
  bytes: Bytes;
}

interface Totals {
  topics: number;
  messages: number;
  bytes: Bytes;
}

/** The other tables that `KeptTopicRows` reads, and a listener for dropped messages. */
export interface KeptTables {
  readonly messages: MessageRows;
  readonly index: TopicIndexRows;
  /** Called with a message that a topic no longer keeps. */
  readonly onDropped: (sequence: number) => void;
}

/**
 * The table `kept_topics` of a SQLite log. For each topic with a rule, it has the range of the newest n messages, which the rule
 * keeps. A message in the range may be within the limits of the history as well.
 *
 * If `KeptLimits` are exceeded, the topics that have been silent for the longest time are forgotten, about a hundredth of all
 * topics at a time, because finding them reads the whole table.
 */
export class KeptTopicRows {
  readonly #database: SqlDatabase;
  readonly #tables: KeptTables;
  readonly #rules: TopicRules;
  readonly #ruleList: readonly TopicRule[];
  /** Whether topic rules keep messages: at least one rule has `keep`, and no limit is 0. */
  readonly hasRules: boolean;
  readonly #limits: KeptLimits;
  /** Undefined until the rows are counted. */
  #totals: Totals | undefined;
  #evicted = 0;
  /** `#evicted` at the beginning of the transaction. */
  #evictedBefore = 0;

  constructor(
    database: SqlDatabase,
    tables: KeptTables,
    { topics = [], kept }: Pick<LogOptions, "topics" | "kept">,
  ) {
    this.#database = database;
    this.#tables = tables;
    this.#rules = new TopicRules(topics);
    this.#ruleList = topics;
    this.#limits = { ...DEFAULT_KEPT, ...kept };
    const isOn = this.#limits.bytes > 0 && this.#limits.topics > 0;
    this.hasRules = isOn && topics.some(({ keep }) => keep !== undefined);
    database.exec(SCHEMA);
  }

  get stats(): KeptStats {
    return { ...this.#count(), evicted: this.#evicted };
  }

  /**
   * Drops the messages that the current rules no longer keep. Must be called in a transaction after the log was opened. Reads
   * the whole table if the rules have changed since the last call.
   */
  applyRules(): void {
    const rules = this.hasRules ? this.#ruleList : [];
    const text = JSON.stringify(rules.map(({ match, keep }) => [match, keep ?? 0]));
    const [stored = { rules: "[]" }] = this.#database.all<{ rules: string }>(
      "SELECT rules FROM kept_rules",
    );
    if (stored.rules === text) return;
    for (const topic of this.#database.all<KeptTopic>("SELECT * FROM kept_topics")) {
      const keep = this.#keepOf(topic.topic) ?? 0;
      if (topic.count > keep) this.#dropWhile(topic, () => topic.count > keep);
    }
    // The totals may be wrong. If no rule is left, a message is deleted as soon as one topic drops it, so its size is missing
    // when another topic drops it.
    this.#totals = undefined;
    this.#database.exec("DELETE FROM kept_rules");
    this.#database.exec("INSERT INTO kept_rules (rules) VALUES (?)", text);
  }

  /** Must be called first in a transaction. */
  beginTransaction(): void {
    this.#evictedBefore = this.#evicted;
  }

  /** Must be called when a transaction was rolled back. */
  onRollback(): void {
    this.#totals = undefined;
    this.#evicted = this.#evictedBefore;
  }

  /** Whether a rule keeps messages to one of these topics. */
  hasRuleFor(topics: readonly string[]): boolean {
    return topics.some((topic) => this.#keepOf(topic) !== undefined);
  }

  /** Whether a topic keeps this message. */
  keeps({ sequence, topics }: Pick<MessageHead, "sequence" | "topics">): boolean {
    return topics.some((topic) => {
      const kept = this.hasRules ? this.#find(topic) : undefined;
      return kept !== undefined && kept.first <= sequence && sequence <= kept.newest;
    });
  }

  /** Adds a new message. The index must already have its topics. */
  add(sequence: number, topics: readonly string[], size: Bytes): void {
    if (!this.hasRules) return;
    for (const name of new Set(topics)) {
      const keep = this.#keepOf(name);
      if (keep === undefined) continue;
      const totals = this.#count();
      const found = this.#find(name);
      if (found === undefined) totals.topics += 1;
      const topic = found ?? { topic: name, first: sequence, newest: 0, count: 0, bytes: 0 };
      topic.newest = sequence;
      topic.count += 1;
      topic.bytes += size;
      totals.messages += 1;
      totals.bytes += size;
      this.#dropWhile(topic, () => topic.count > keep);
      this.#evict(topic);
    }
  }

  /** Removes a message that is about to be erased. */
  remove({ sequence, topics, size }: MessageHead): void {
    if (!this.hasRules) return;
    for (const name of new Set(topics)) {
      const topic = this.#find(name);
      if (topic === undefined || sequence < topic.first || sequence > topic.newest) continue;
      if (topic.first === sequence) topic.first = this.#next(topic) ?? topic.newest;
      topic.count -= 1;
      topic.bytes -= size;
      const totals = this.#count();
      totals.messages -= 1;
      totals.bytes -= size;
      this.#store(topic);
    }
  }

  #keepOf(topic: string): number | undefined {
    return this.hasRules ? this.#rules.ruleOf(topic)?.keep : undefined;
  }

  #find(topic: string): KeptTopic | undefined {
    return this.#database.all<KeptTopic>("SELECT * FROM kept_topics WHERE topic = ?", topic)[0];
  }

  /** Stores a topic, or deletes it when it has no messages. */
  #store({ topic, first, newest, count, bytes }: KeptTopic): void {
    if (count > 0) {
      this.#database.exec(
        "INSERT OR REPLACE INTO kept_topics (topic, first, newest, count, bytes) VALUES (?, ?, ?, ?, ?)",
        ...[topic, first, newest, count, bytes],
      );
    } else {
      this.#database.exec("DELETE FROM kept_topics WHERE topic = ?", topic);
      this.#count().topics -= 1;
    }
  }

  /** The sequence after `first`. */
  #next({ topic, first }: KeptTopic): number | undefined {
    return this.#tables.index.nextOf(topic, first);
  }

  /** Drops the oldest messages of a topic while a condition holds, and stores the topic. */
  #dropWhile(topic: KeptTopic, isOver: () => boolean): void {
    const dropped: number[] = [];
    const totals = this.#count();
    while (topic.count > 0 && isOver()) {
      const { first } = topic;
      const size = this.#tables.messages.head(first)?.size ?? 0;
      dropped.push(first);
      topic.first = this.#next(topic) ?? topic.newest;
      topic.count -= 1;
      topic.bytes -= size;
      totals.messages -= 1;
      totals.bytes -= size;
    }
    // Stored first, because `onDropped` asks whether any topic still keeps the message.
    this.#store(topic);
    for (const sequence of dropped) this.#tables.onDropped(sequence);
  }

  /** Forgets the topics that have been silent for the longest time, until the limits hold. */
  #evict(newest: KeptTopic): void {
    const { bytes, topics } = this.#limits;
    const totals = this.#count();
    while (totals.topics > 1 && (totals.bytes > bytes || totals.topics > topics)) {
      const count = Math.ceil(totals.topics / 100);
      const query = "SELECT * FROM kept_topics WHERE topic <> ? ORDER BY newest LIMIT ?";
      const silent = this.#database.all<KeptTopic>(query, newest.topic, count);
      for (const topic of silent) this.#dropWhile(topic, () => true);
      this.#evicted += silent.length;
      if (silent.length === 0) break;
    }
    // The only topic that is left keeps as many of its newest messages as the limit of bytes allows.
    if (totals.bytes <= bytes) return;
    this.#dropWhile(newest, () => totals.bytes > bytes);
    if (newest.count === 0) this.#evicted += 1;
  }

  #count(): Totals {
    if (this.#totals === undefined) {
      const query =
        "SELECT COUNT(*) AS topics, COALESCE(SUM(count), 0) AS messages, COALESCE(SUM(bytes), 0) AS bytes FROM kept_topics";
      const [totals = { topics: 0, messages: 0, bytes: 0 }] = this.#database.all<Totals>(query);
      this.#totals = { ...totals };
    }
    return this.#totals;
  }
}
