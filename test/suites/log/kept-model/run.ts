import { expect } from "vitest";
import type { MessageLog } from "../../../../src/log/log.ts";
import { formatCursor, parseCursor, sequenceOf } from "../../../../src/realtime/cursor.ts";
import type { TopicRule } from "../../../../src/realtime/topic-rules.ts";
import type { LogEntry, LogPage, Message } from "../../../../src/realtime/types.ts";
import { type Accepted, KeptModel, matches, sizeOf, sum } from "./model.ts";
import type { Reading, Settings, Step } from "./steps.ts";

/** The log under test, and how to move its clock. */
export interface KeptSubject {
  log: MessageLog;
  readonly clock: { time: number };
}

/** Compares a log with lists: the messages that it must have, and those that it may have. */
export class KeptRun {
  readonly must: KeptModel;
  readonly may: KeptModel;
  readonly #settings: Settings;
  readonly #subject: KeptSubject;
  readonly #seen = new Set<string>();
  /** The cursor of each position as the log gave it first, from the position before the first message on. */
  readonly #cursors: string[];
  /** Since the log was opened. */
  #accepted = 0;
  #duplicate = 0;

  constructor(settings: Settings, subject: KeptSubject) {
    this.#settings = settings;
    this.#subject = subject;
    this.must = new KeptModel(settings, false);
    this.may = new KeptModel(settings, true);
    this.#cursors = [subject.log.cursor()];
  }

  async take(step: Step): Promise<void> {
    if (step.do === "append") await this.#append(step.messages);
    else if (step.do === "pass") this.#subject.clock.time += step.milliseconds;
    else if (step.do === "erase") await this.#erase(step.topic);
    else if (step.do === "read") await this.#read(step);
    else await this.#expectStats();
  }

  /** Must be called after the log was opened again, with other rules if they are set. */
  reopened(log: MessageLog, rules: readonly TopicRule[] | undefined): void {
    this.#subject.log = log;
    for (const model of this.#models) model.reopen(rules);
    this.#accepted = 0;
    this.#duplicate = 0;
  }

  /** Compares every message. */
  async compare(): Promise<void> {
    await this.#all();
    await this.#expectStats();
    for (const [sequence, cursor] of this.#cursors.entries()) {
      const parsed = parseCursor(cursor);
      expect(parsed?.sequence, cursor).toBe(sequence);
      expect(parsed && this.#log.hasReached(parsed), cursor).toBe(true);
    }
    const next = { ...this.#position, sequence: this.must.sequence + 1 };
    expect(this.#log.hasReached(next), "a position after the newest message").toBe(false);
  }

  get #log(): MessageLog {
    return this.#subject.log;
  }

  get #now(): number {
    return this.#subject.clock.time;
  }

  get #models(): readonly KeptModel[] {
    return [this.must, this.may];
  }

  async #append(messages: readonly Message[]): Promise<void> {
    const fresh: Message[] = [];
    const ids = new Set(this.#seen);
    const receipts = messages.map((message) => {
      const duplicate = ids.has(message.id);
      if (!duplicate) fresh.push(message);
      ids.add(message.id);
      return { id: message.id, duplicate };
    });
    expect(await this.#log.append(messages)).toEqual(receipts);
    for (const id of ids) this.#seen.add(id);
    for (const model of this.#models) model.append(fresh, this.#now);
    this.#accepted += fresh.length;
    this.#duplicate += messages.length - fresh.length;
    for (let index = 0; index < fresh.length; index++) {
      this.#cursors.push(formatCursor({ ...this.#position, sequence: this.#cursors.length }));
    }
    expect(sequenceOf(this.#log.cursor())).toBe(this.#cursors.length - 1);
  }

  async #erase(topic: string): Promise<void> {
    const isErased = (one: Accepted) => matches(topic, one);
    const least = this.must.readable(this.#now).filter(isErased).length;
    const most = new Set(
      this.#models.flatMap(({ stored }) => stored.filter(isErased)).map((one) => one.sequence),
    ).size;
    const count = await this.#log.erase(topic);
    for (const model of this.#models) model.erase(topic);
    expect(count).toBeGreaterThanOrEqual(least);
    expect(count).toBeLessThanOrEqual(most);
  }

  async #expectStats(): Promise<void> {
    const stats = await this.#log.stats();
    for (const model of this.#models) model.trim(this.#now);
    expect(stats).toMatchObject({ accepted: this.#accepted, duplicate: this.#duplicate });
    if (this.#settings.kind === "ttl") return;
    const { recent, keptStats } = this.must;
    const expected = { messages: recent.length, bytes: sum(recent), kept: keptStats };
    expect(stats).toMatchObject(expected);
  }

  /** All messages that the log has. */
  async #all(): Promise<readonly LogEntry[]> {
    const page = await this.#log.read(undefined, 1e6);
    for (const model of this.#models) model.trim(this.#now);
    const entries = page?.entries ?? [];
    const got = new Map(entries.map((entry) => [sequenceOf(entry.cursor), entry]));
    expect([...got.keys()], "in order").toEqual([...got.keys()].toSorted((a, b) => a - b));
    expect(got.size, "once").toBe(entries.length);
    const mayHave = new Map(this.may.readable(this.#now).map((one) => [one.sequence, one]));
    for (const { sequence } of this.must.readable(this.#now)) {
      if (!got.has(sequence)) expect.fail(`The log lacks ${sequence}.`);
    }
    for (const [sequence, { message, at, cursor }] of got) {
      expect(cursor).toBe(this.#cursors[sequence]);
      const expected = mayHave.get(sequence);
      if (expected === undefined) expect.fail(`The log still has ${sequence}.`);
      expect({ message, at }).toEqual({ message: expected.message, at: expected.at });
    }
    this.#expectTrimmedTo(page);
    return entries;
  }

  #expectTrimmedTo(page: LogPage | undefined): void {
    expect(page?.trimmedTo).toBeLessThanOrEqual(this.must.trimmedTo);
    expect(page?.trimmedTo).toBeGreaterThanOrEqual(this.may.trimmedTo);
  }

  async #read(reading: Reading): Promise<void> {
    const { back, limit, maxBytes, topics } = reading;
    const sequence = reading.position % this.#cursors.length;
    const cursor = this.#cursors[sequence];
    const page = back
      ? await this.#log.readBack(cursor, limit, maxBytes, topics)
      : await this.#log.read(cursor, limit, maxBytes, topics);
    const all = await this.#all();
    this.#expectTrimmedTo(page);
    const entries = page?.entries ?? [];
    const end = page?.end ?? Number.NaN;
    const isBefore = (a: number, b: number) => (back ? a > b : a < b);
    /** What a page without limits has. */
    const ahead = back
      ? all.filter((entry) => sequenceOf(entry.cursor) < sequence).toReversed()
      : all.filter((entry) => sequenceOf(entry.cursor) > sequence);
    const isWanted = ({ message }: LogEntry) =>
      topics === undefined ||
      topics.some((topic) => matches(topic, { sequence: 0, at: 0, size: 0, message }));
    const cursors = entries.map((entry) => entry.cursor);
    const read = ahead.filter((entry) => !isBefore(end, sequenceOf(entry.cursor)));
    const beyond = ahead.filter((entry) => isBefore(end, sequenceOf(entry.cursor)));
    const allowed = read.filter((entry) => cursors.includes(entry.cursor) || isWanted(entry));
    expect(entries, "every message up to the end").toEqual(allowed);
    expect(entries.length).toBeLessThanOrEqual(limit);
    const bytes = entries.reduce((total, { message }) => total + sizeOf(message), 0);
    if (entries.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes ?? 1e9);
    const last = back ? 0 : this.must.sequence;
    if (end === last || entries.length === limit) return;
    // The log may have left out any of the messages before the next one that matches.
    const next = beyond.slice(0, beyond.findIndex(isWanted) + 1 || beyond.length);
    const sizes = next.map(({ message }) => sizeOf(message));
    expect(entries.length, "a page with no messages ends at the end of the log").not.toBe(0);
    expect(bytes + Math.max(0, ...sizes), "the page ends early").toBeGreaterThan(maxBytes ?? 1e9);
  }

  get #position() {
    const position = parseCursor(this.#log.cursor());
    if (position === undefined) throw new Error(`${this.#log.cursor()} can't be parsed.`);
    return position;
  }
}
