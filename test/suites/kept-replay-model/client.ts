import { createParser, type EventSourceMessage } from "eventsource-parser";
import { expect } from "vitest";
import { type Cursor, hashKey } from "../../../src/realtime/cursor.ts";
import { eventNameOf } from "../../../src/realtime/subscriptions/subscription-key.ts";
import { lastEventIdOf } from "../../support/last-event-id.ts";
import type { Book } from "../resume-model/book.ts";
import { numberOf } from "../resume-model/book.ts";

/** The log at one time. */
export interface Moment {
  /** Number of the newest message. */
  readonly now: number;
  /** Numbers of the messages that can be read. */
  readonly readable: ReadonlySet<number>;
  readonly trimmedTo: number;
  readonly erased: ReadonlySet<number>;
}

/** A key of the client, since it was added or was last told `recovered: false`. */
interface HeldKey {
  /** Maximum number of messages that came before the key was added. */
  readonly last: number;
  /** Whether the client was told that messages before `start` may be missing. Some may still arrive. */
  readonly isExcused: boolean;
  /** Whether the key may start again after `recovered: false`. */
  readonly mayRestart: boolean;
  /** The log when the key was added. */
  readonly start: Moment;
  /** The newest message when the replay started that the key was added to. */
  readonly replayStart: number;
  /** The newest message that arrived. */
  got: number | undefined;
  /** Number of messages up to `start.now` that arrived. */
  older: number;
}

/** A client's view of one key after the other, over all of its streams. */
export class KeptClient {
  lastEventId: string | undefined;
  /** Keys that resume from a position after which messages were trimmed. While there are any, the client must be told. */
  #lost = new Set<string>();
  /** The log when the replay began. If no message has been trimmed since, `recovered: false` is wrong. */
  begin: Moment;
  readonly #held = new Map<string, HeldKey>();
  readonly #book: Book;

  constructor(book: Book, begin: Moment) {
    this.#book = book;
    this.begin = begin;
  }

  get keys(): string[] {
    return [...this.#held.keys()];
  }

  add(key: string, last: number, start: Moment, replayStart: number): void {
    const counts = { last, older: 0, isExcused: false, mayRestart: last > 0 };
    this.#held.set(key, { ...counts, start, replayStart, got: undefined });
  }

  /** The client connects again without its last id. */
  restart(): void {
    this.#lost.clear();
  }

  /**
   * The client resumes from a cursor. Keys that have received nothing since the last start begin there. A cursor within a message
   * says that the keys up to its hash have received the message, on an earlier stream.
   *
   * @param cursor Undefined for a position before all messages.
   */
  resume(cursor: Cursor | undefined, moment: Moment): void {
    const { sequence, keyHash } = cursor ?? { sequence: -1 };
    this.#lost = new Set(sequence < moment.trimmedTo ? this.keys : []);
    for (const [key, held] of this.#held) {
      if (held.got !== undefined) continue;
      const isBehind = keyHash !== undefined && hashKey(eventNameOf(key)) <= keyHash;
      const now = isBehind ? sequence + 1 : sequence;
      const start = { ...moment, now };
      this.#held.set(key, { ...held, last: 0, start, replayStart: now });
    }
  }

  remove(key: string): void {
    this.#held.delete(key);
    this.#lost.delete(key);
  }

  /** Reads one frame, which was written when the log was at a moment. */
  read(text: string, moment: Moment): void {
    const parser = createParser({
      onEvent: (event) => this.#onEvent(event, moment),
      onError: (error) => expect.fail(error.message),
    });
    parser.feed(text);
    this.lastEventId = lastEventIdOf(text) ?? this.lastEventId;
  }

  /** Expects that no key lacks a message. */
  expectAll(moment: Moment): void {
    for (const [key, held] of this.#held)
      this.#expectNoneMissing(key, held, moment.now + 1, moment);
    expect(this.#lost, "keys whose loss is not told").toEqual(new Set());
  }

  #onEvent({ event: key = "", data }: EventSourceMessage, moment: Moment): void {
    if (key === "PB_CURSOR") return;
    if (key === "PB_RESUME") {
      if (!(JSON.parse(data) as { recovered: boolean }).recovered) this.#onLoss(moment);
      return;
    }
    if (this.#lost.size > 0) expect.fail(`${key} arrives before the loss is told`);
    const held = this.#held.get(key);
    if (held === undefined) throw new Error(`An event of ${key}, which is not subscribed`);
    const number = numberOf(data);
    if (!this.#book.isFor(number, key)) expect.fail(`${number} is not for ${key}`);
    if (moment.erased.has(number)) expect.fail(`${number} is erased`);
    if (held.got !== undefined && number <= held.got) {
      expect.fail(`${number} came after ${held.got} under ${key}`);
    }
    this.#expectNoneMissing(key, held, number, moment);
    held.got = number;
    if (number > held.start.now || held.isExcused) return;
    held.older += 1;
    const since = this.#numbers(key, held.replayStart + 1, held.start.now + 1).length;
    expect(held.older, `at most ${held.last} older messages of ${key}`).toBeLessThanOrEqual(
      held.last === 0 ? 0 : held.last + since,
    );
  }

  #onLoss(moment: Moment): void {
    const { trimmedTo } = this.begin;
    if (this.#lost.size === 0 && trimmedTo === moment.trimmedTo) {
      expect.fail(`recovered: false, but nothing after ${trimmedTo} was trimmed`);
    }
    this.#lost.clear();
    for (const [key, held] of this.#held) {
      const got = held.mayRestart ? undefined : held.got;
      this.#held.set(key, { ...held, start: moment, isExcused: true, got });
    }
  }

  /** Messages that came before the key was added may be missing if they were not among the newest, or have been trimmed. */
  #expectNoneMissing(key: string, held: HeldKey, end: number, { readable, erased }: Moment): void {
    const { start, last, isExcused, got = 0 } = held;
    const older = this.#numbers(key, 1, start.now + 1).filter((one) => start.readable.has(one));
    const wanted =
      last === 0 || isExcused ? [] : older.slice(-last).filter((one) => readable.has(one));
    const later = this.#numbers(key, start.now + 1, end);
    const missing = [...wanted, ...later].filter(
      (number) => number > got && number < end && !erased.has(number),
    );
    if (missing.length > 0) expect.fail(`${missing} missing under ${key} before ${end}`);
  }

  #numbers(key: string, from: number, end: number): number[] {
    const numbers: number[] = [];
    for (let number = from; number < end; number++) {
      if (this.#book.isFor(number, key)) numbers.push(number);
    }
    return numbers;
  }
}
