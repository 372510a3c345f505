import { TopicRules } from "../realtime/topic-rules.ts";
import { FifoQueue } from "./fifo-queue.ts";
import { DEFAULT_KEPT, type KeptLimits, type KeptStats, type LogOptions } from "./log.ts";
import type { StoredEntry } from "./stored-entry.ts";
import { TrimmedEntries } from "./trimmed-entries.ts";

/** The newest messages of one topic, oldest first. */
interface KeptTopic {
  entries: FifoQueue<StoredEntry>;
  bytes: number;
}

/**
 * The messages that topic rules keep in a memory log: of each topic with a rule, the newest n. A kept message may be within the
 * limits of the history as well. A message that the history has dropped (`isTrimmed`) is stored only here.
 */
export class KeptTopics {
  /** Whether topic rules keep messages: at least one rule has `keep`, and no limit is 0. */
  readonly hasRules: boolean;
  readonly #rules: TopicRules;
  readonly #limits: KeptLimits;
  /** By name. The topic that has been silent for the longest time is first. */
  readonly #topics = new Map<string, KeptTopic>();
  /** The kept messages that the log has dropped because of its limits. */
  readonly trimmed = new TrimmedEntries();
  #messages = 0;
  #bytes = 0;
  #evicted = 0;

  constructor({ topics = [], kept }: Pick<LogOptions, "topics" | "kept">) {
    this.#rules = new TopicRules(topics);
    this.#limits = { ...DEFAULT_KEPT, ...kept };
    const isOn = this.#limits.bytes > 0 && this.#limits.topics > 0;
    this.hasRules = isOn && topics.some(({ keep }) => keep !== undefined);
  }

  get stats(): KeptStats {
    const { size: topics } = this.#topics;
    return { topics, messages: this.#messages, bytes: this.#bytes, evicted: this.#evicted };
  }

  /** Adds a new message to the lists of its topics. The lists drop what exceeds their rules and `KeptLimits`. */
  add(stored: StoredEntry): void {
    if (!this.hasRules) return;
    for (const topic of new Set(stored.entry?.message.topics)) {
      const keep = this.#rules.ruleOf(topic)?.keep;
      if (keep !== undefined) this.#addTo(topic, stored, keep);
    }
  }

  /** Must be called when the log drops a message because of its limits. A message that no topic keeps is lost. */
  trim(stored: StoredEntry): void {
    stored.isTrimmed = true;
    if (stored.keepers > 0) this.trimmed.add(stored);
  }

  /** Removes the erased messages, which have no `entry`. Must be called after messages have been erased. */
  removeErased(): void {
    for (const [name, topic] of this.#topics) {
      const before = topic.entries;
      topic.entries = new FifoQueue();
      topic.bytes = 0;
      this.#messages -= before.length;
      for (let next = before.shift(); next !== undefined; next = before.shift()) {
        if (next.entry === undefined) {
          this.#release(next);
        } else {
          topic.entries.push(next);
          topic.bytes += next.size;
        }
      }
      this.#messages += topic.entries.length;
      if (topic.entries.length === 0) this.#topics.delete(name);
    }
    this.#bytes = [...this.#topics.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #addTo(name: string, stored: StoredEntry, keep: number): void {
    const topic = this.#topics.get(name) ?? { entries: new FifoQueue(), bytes: 0 };
    // The topic moves to the end of the map.
    this.#topics.delete(name);
    this.#topics.set(name, topic);
    topic.entries.push(stored);
    topic.bytes += stored.size;
    stored.keepers += 1;
    this.#messages += 1;
    this.#bytes += stored.size;
    while (topic.entries.length > keep) this.#dropOldest(topic);
    this.#evict(name);
  }

  /** Forgets the topics that have been silent for the longest time, until the limits hold. */
  #evict(newest: string): void {
    const { bytes, topics } = this.#limits;
    for (const [name, topic] of this.#topics) {
      if (this.#bytes <= bytes && this.#topics.size <= topics) return;
      // The only topic that is left keeps as many of its newest messages as the limit of bytes allows.
      while (topic.entries.length > 0 && (name !== newest || this.#bytes > bytes)) {
        this.#dropOldest(topic);
      }
      if (topic.entries.length > 0) return;
      this.#topics.delete(name);
      this.#evicted += 1;
    }
  }

  #dropOldest(topic: KeptTopic): void {
    const oldest = topic.entries.shift();
    if (oldest === undefined) return;
    topic.bytes -= oldest.size;
    this.#messages -= 1;
    this.#bytes -= oldest.size;
    this.#release(oldest);
  }

  #release(stored: StoredEntry): void {
    stored.keepers -= 1;
    if (stored.keepers > 0 || !stored.isTrimmed) return;
    stored.entry = undefined;
    this.trimmed.onEmptied();
  }
}
