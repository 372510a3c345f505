import type { KeptStats } from "../../../../src/log/log.ts";
import type { TopicRule } from "../../../../src/realtime/topic-rules.ts";
import type { Message } from "../../../../src/realtime/types.ts";
import type { Settings } from "./steps.ts";

export interface Accepted {
  readonly sequence: number;
  readonly message: Message;
  readonly at: number;
  readonly size: number;
}

/** Whether a topic, `prefix/*` or `*` matches a topic. */
export function reaches(pattern: string, topic: string): boolean {
  if (pattern === "*" || pattern === topic) return true;
  return pattern.endsWith("/*") && topic.startsWith(pattern.slice(0, -1));
}

export function matches(pattern: string, { message }: Accepted): boolean {
  return message.topics.some((topic) => reaches(pattern, topic));
}

export function sizeOf({ id, topics, data }: Message): number {
  return new TextEncoder().encode(id + topics.join("") + data).length;
}

export function sum(accepted: Iterable<Accepted>): number {
  return [...accepted].reduce((total, { size }) => total + size, 0);
}

/**
 * The reference: plain lists of messages.
 *
 * A message that is past its `ttl` can't be read, but a log may count it for its limits and rules until the log deletes it.
 * The reference that deletes at once has all messages that any log may have. The reference that never deletes has all messages
 * that every log must have.
 */
export class KeptModel {
  /** Those that are not erased. */
  stored: Accepted[] = [];
  sequence = 0;
  /** `LogPage.trimmedTo`. */
  trimmedTo = 0;
  evicted = 0;
  rules: readonly TopicRule[];
  /** By topic. The topic that has been silent for the longest time is first. */
  readonly #kept = new Map<string, Accepted[]>();
  /** When each message was appended. An erased message keeps its place in the log. */
  readonly #times: number[] = [];
  readonly #settings: Settings;
  readonly #deletesExpired: boolean;

  constructor(settings: Settings, deletesExpired: boolean) {
    this.#settings = settings;
    this.#deletesExpired = deletesExpired;
    this.rules = settings.rules;
  }

  append(messages: readonly Message[], now: number): void {
    this.#deleteExpired(now);
    for (const message of messages) {
      this.sequence += 1;
      const accepted = { sequence: this.sequence, message, at: now, size: sizeOf(message) };
      this.#times.push(now);
      this.stored.push(accepted);
      for (const topic of new Set(message.topics)) this.#keep(topic, accepted);
    }
    this.trim(now);
  }

  /** Every operation of a log trims it. */
  trim(now: number): void {
    this.#deleteExpired(now);
    const { messages, maxAge, bytes } = this.#settings.history;
    const isOver = () =>
      this.sequence - this.trimmedTo > messages ||
      sum(this.recent) > bytes ||
      (this.#times[this.trimmedTo] ?? now) <= now - maxAge;
    while (this.trimmedTo < this.sequence && isOver()) this.trimmedTo += 1;
    this.#drop();
  }

  erase(pattern: string): void {
    this.#remove((one) => matches(pattern, one));
  }

  /** Applies other rules. A new rule keeps the messages that are appended from now on. */
  reopen(rules: readonly TopicRule[] | undefined): void {
    this.evicted = 0;
    if (rules === undefined) return;
    this.rules = rules;
    for (const [topic, list] of this.#kept) {
      const keep = this.#keepOf(topic) ?? 0;
      this.#kept.set(topic, keep === 0 ? [] : list.slice(-keep));
    }
    this.#dropEmpty();
    this.#drop();
  }

  /** The messages that can be read. */
  readable(now: number): Accepted[] {
    return this.stored.filter((one) => !isExpired(one, now));
  }

  /** Exact only without `ttl`. */
  get keptStats(): KeptStats {
    const all = [...this.#kept.values()].flat();
    return {
      topics: this.#kept.size,
      messages: all.length,
      bytes: sum(all),
      evicted: this.evicted,
    };
  }

  /** The messages within the limits, which `LogStats` counts. */
  get recent(): Accepted[] {
    return this.stored.filter(({ sequence }) => sequence > this.trimmedTo);
  }

  #keepOf(topic: string): number | undefined {
    return this.rules.find(({ match }) => reaches(match, topic))?.keep;
  }

  #keep(topic: string, accepted: Accepted): void {
    const keep = this.#keepOf(topic);
    if (keep === undefined) return;
    const list = [...(this.#kept.get(topic) ?? []), accepted].slice(-keep);
    this.#kept.delete(topic);
    this.#kept.set(topic, list);
    const { bytes, topics } = this.#settings.kept;
    const isOver = () => this.keptStats.bytes > bytes || this.#kept.size > topics;
    for (const silent of [...this.#kept.keys()].filter((name) => name !== topic)) {
      if (!isOver()) return;
      this.#kept.delete(silent);
      this.evicted += 1;
    }
    while (list.length > 0 && this.keptStats.bytes > bytes) list.shift();
    if (list.length > 0) return;
    this.#kept.delete(topic);
    this.evicted += 1;
  }

  /** Drops the messages that neither the limits nor a rule keep. */
  #drop(): void {
    const kept = new Set([...this.#kept.values()].flat());
    this.stored = this.stored.filter((one) => one.sequence > this.trimmedTo || kept.has(one));
  }

  #deleteExpired(now: number): void {
    if (this.#deletesExpired) this.#remove((one) => isExpired(one, now));
  }

  #remove(isRemoved: (one: Accepted) => boolean): void {
    this.stored = this.stored.filter((one) => !isRemoved(one));
    for (const [topic, list] of this.#kept) {
      this.#kept.set(
        topic,
        list.filter((one) => !isRemoved(one)),
      );
    }
    this.#dropEmpty();
  }

  #dropEmpty(): void {
    for (const [topic, list] of this.#kept) if (list.length === 0) this.#kept.delete(topic);
  }
}

function isExpired({ message: { ttl }, at }: Accepted, now: number): boolean {
  return ttl !== undefined && now - at >= ttl * 1000;
}
