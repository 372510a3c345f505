import { matchingTopics } from "../realtime/subscriptions/subscription-key.ts";
import { MergedSequences, SequenceList } from "./merged-sequences.ts";
import { type NextSequences, nameOf, TopicIndexRows } from "./topic-index-rows.ts";
import { isPattern } from "./topic-pattern.ts";

/** Maximum number of topics and patterns that one read looks up in the index. With more, all messages are read. */
const MAX_LOOKUPS = 1000;

/** Bounds on the number of sequences of one name that are read at a time. With many names, fewer are read. */
const MAX_CHUNK = 64;
const MIN_CHUNK = 4;

/** Number of levels of the longest pattern in the index. A longer pattern is looked up by its first levels. */
const MAX_LEVELS = 4;

/**
 * The index of a SQLite log on disk. It has all messages of the log, and besides the sequences of the messages to each topic, those
 * of the messages that match each pattern except `*`.
 */
export class PatternIndexRows extends TopicIndexRows {
  override readonly hasAllMessages = true;

  /**
   * Reads the sequences of messages that match one of these topics and patterns, in the order of the read. For a pattern of more
   * than `MAX_LEVELS` levels there may be other messages among them.
   *
   * @param position The sequences are after this one, or before it if `isForwards` is false.
   * @returns undefined if there are too many topics, or if one is `*`.
   */
  override reader(
    topics: readonly string[],
    position: number,
    isForwards: boolean,
  ): NextSequences | undefined {
    if (topics.length > MAX_LOOKUPS || topics.includes("*")) return undefined;
    const names = new Set(
      topics.map((topic) => (isPattern(topic) ? nameOfPattern : nameOf)(topic)),
    );
    const chunk = Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, Math.ceil(512 / names.size)));
    const lists = [...names].map((name) => {
      return new SequenceList((from) => this.sequences(name, from, isForwards, chunk), position);
    });
    const merged = new MergedSequences(lists, isForwards);
    return (limit) => merged.take(limit);
  }

  protected override namesOf(topics: readonly string[]): ReadonlySet<string> {
    // A topic with the text of a pattern matches this pattern.
    const patterns = topics
      .flatMap(matchingTopics)
      .filter((match) => isPattern(match) && match !== "*");
    return new Set([...topics.map(nameOf), ...patterns.map(nameOfPattern)]);
  }
}

/** The name of a pattern ends with a line break, because a topic may have the text of a pattern. */
function nameOfPattern(pattern: string): string {
  const levels = pattern.split("/");
  const indexed =
    levels.length > MAX_LEVELS ? `${levels.slice(0, MAX_LEVELS - 1).join("/")}/*` : pattern;
  return `${nameOf(indexed)}\n`;
}
