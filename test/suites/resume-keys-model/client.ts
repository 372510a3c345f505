import { createParser, type EventSourceMessage } from "eventsource-parser";
import { expect } from "vitest";
import { formatCursorEvent, formatSSEComment } from "../../../src/realtime/sse.ts";
import { parseSubscription } from "../../../src/realtime/subscriptions/subscription-key.ts";
import type { FrameSink } from "../../../src/realtime/types.ts";
import { emptyBlocksIn } from "../../support/blocks.ts";
import { lastEventIdOf } from "../../support/last-event-id.ts";
import { type Book, numberOf } from "../resume-model/book.ts";

/** A sink that counts all written bytes as waiting until `take` is called. */
export class SlowSink implements FrameSink {
  bufferedBytes = 0;
  /** Text that was written since the last `read`. */
  #text = "";
  #waiting: (() => void)[] = [];
  readonly #decoder = new TextDecoder();

  write(frame: Uint8Array): boolean {
    this.#text += this.#decoder.decode(frame, { stream: true });
    this.bufferedBytes += frame.length;
    return true;
  }

  /** Writes a ping as the HTTP side does while nothing waits. Its bytes do not count as waiting. */
  ping(cursor: string): void {
    this.#text += formatSSEComment("ping") + formatCursorEvent(cursor);
  }

  onDrain(done: () => void): void {
    if (this.bufferedBytes === 0) done();
    else this.#waiting.push(done);
  }

  take(): void {
    this.bufferedBytes = 0;
    for (const done of this.#waiting.splice(0)) done();
  }

  close(): void {
    // A disconnected client never drains, so the callbacks are not called.
    this.#waiting = [];
  }

  /** Every block since the last call, with the empty line that ends it. */
  read(): string[] {
    const blocks = this.#text.split("\n\n").slice(0, -1);
    this.#text = "";
    return blocks.map((block) => `${block}\n\n`);
  }
}

/** A client's state of one key. Numbers are those of messages in the book. */
interface HeldKey {
  /** The newest message when the key was added. */
  readonly since: number;
  /** The newest message that arrived under the key. */
  got: number | undefined;
  /** Messages up to this number may be missing, because of `recovered: false`. */
  excusedTo: number;
  /** The key starts with its newest messages, also after `recovered: false`. */
  readonly hasLast: boolean;
}

/** A client's view of all its streams: the messages under each key, and the last id. */
export class KeysClient {
  lastEventId: string;
  readonly #held = new Map<string, HeldKey>();
  readonly #book: Book;

  readonly #envelope: boolean;

  /** @param envelope `StreamOptions.envelope` of the client's streams. */
  constructor(book: Book, lastEventId: string, envelope: boolean) {
    this.#book = book;
    this.#envelope = envelope;
    this.lastEventId = lastEventId;
  }

  get keys(): string[] {
    return [...this.#held.keys()];
  }

  add(key: string): void {
    const hasLast = parseSubscription(key).options.last !== undefined;
    this.#held.set(key, { since: this.#book.now, got: undefined, excusedTo: 0, hasLast });
  }

  /** Adds or removes a key. The last key is not removed, because a client without keys receives nothing. */
  toggle(key: string): void {
    if (!this.#held.has(key)) this.add(key);
    else if (this.#held.size > 1) this.#held.delete(key);
  }

  /** Reads complete blocks, and fails for messages that are lost, repeated or out of order. */
  read(blocks: readonly string[]): void {
    const text = blocks.join("");
    expect(emptyBlocksIn(text)).toEqual([]);
    const parser = createParser({
      onEvent: (event) => this.#onEvent(event),
      onError: (error) => expect.fail(error.message),
    });
    parser.feed(text);
    this.lastEventId = lastEventIdOf(text) ?? this.lastEventId;
  }

  /** Expects that no key lacks a message. */
  expectAll(): void {
    for (const [key, held] of this.#held) this.#expectNoneMissing(key, held, this.#book.now + 1);
  }

  #onEvent({ event: key = "", data }: EventSourceMessage): void {
    if (key === "PB_RESUME") {
      const { recovered } = JSON.parse(data) as { recovered: boolean };
      if (!recovered) this.#excuse();
      return;
    }
    if (key === "note" || key === "PB_CURSOR") return;
    const held = this.#held.get(key);
    if (held === undefined) throw new Error(`An event of ${key}, which is not subscribed`);
    const number = numberOf(data, this.#envelope);
    // Uses no matcher in the success case, because there are a hundred thousand of these checks.
    if (!this.#book.isFor(number, key)) expect.fail(`${number} is not for ${key}`);
    if (held.got !== undefined && number <= held.got) {
      expect.fail(`${number} came after ${held.got} under ${key}`);
    }
    this.#expectNoneMissing(key, held, number);
    held.got = number;
  }

  #excuse(): void {
    for (const held of this.#held.values()) {
      held.excusedTo = this.#book.now;
      // The key's newest messages are sent again, even if the client has some of them.
      if (held.hasLast) held.got = undefined;
    }
  }

  #expectNoneMissing(key: string, { since, got, excusedTo }: HeldKey, end: number): void {
    for (let number = Math.max(got ?? since, excusedTo) + 1; number < end; number++) {
      if (this.#book.isFor(number, key)) expect.fail(`${number} is missing under ${key}`);
    }
  }
}
