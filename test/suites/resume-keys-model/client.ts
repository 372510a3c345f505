import { createParser, type EventSourceMessage } from "eventsource-parser";
import { expect } from "vitest";
import { formatCursorEvent, formatSSEComment } from "../../../src/realtime/sse.ts";
import { parseSubscription } from "../../../src/realtime/subscriptions/subscription-key.ts";
import type { FrameSink } from "../../../src/realtime/types.ts";
import { emptyBlocksIn } from "../../support/blocks.ts";
import { lastEventIdOf } from "../../support/last-event-id.ts";
import { type Book, numberOf } from "../resume-model/book.ts";

/** A sink that counts all it is given as waiting, until it is told to take it. */
export class SlowSink implements FrameSink {
  bufferedBytes = 0;
  /** What came since the client last read. */
  #text = "";
  #waiting: (() => void)[] = [];
  readonly #decoder = new TextDecoder();

  write(frame: Uint8Array): boolean {
    this.#text += this.#decoder.decode(frame, { stream: true });
    this.bufferedBytes += frame.length;
    return true;
  }

  /** What the HTTP side writes while nothing waits: it counts for nothing that does. */
  ping(place: string): void {
    this.#text += formatSSEComment("ping") + formatCursorEvent(place);
  }

  onDrain(taken: () => void): void {
    if (this.bufferedBytes === 0) taken();
    else this.#waiting.push(taken);
  }

  take(): void {
    this.bufferedBytes = 0;
    for (const taken of this.#waiting.splice(0)) taken();
  }

  close(): void {
    // A client that is gone takes nothing: what waits for that is never told.
    this.#waiting = [];
  }

  /** Every block since the last call, with the empty line that ends it. */
  read(): string[] {
    const blocks = this.#text.split("\n\n").slice(0, -1);
    this.#text = "";
    return blocks.map((block) => `${block}\n\n`);
  }
}

/** What a client knows of one of its keys; messages by their numbers in the book. */
interface HeldKey {
  /** The newest when it was added. */
  readonly since: number;
  /** The newest that came under it. */
  got: number | undefined;
  /** Up to here it was told that some may be missing. */
  excusedTo: number;
  /** It begins with its newest messages, also after it was told so. */
  readonly hasLast: boolean;
}

/** The client as it sees itself over all its streams: what came under which key, and the last id. */
export class KeysClient {
  lastEventId: string;
  readonly #held = new Map<string, HeldKey>();
  readonly #book: Book;

  constructor(book: Book, lastEventId: string) {
    this.#book = book;
    this.lastEventId = lastEventId;
  }

  get keys(): string[] {
    return [...this.#held.keys()];
  }

  add(key: string): void {
    const hasLast = parseSubscription(key).options.last !== undefined;
    this.#held.set(key, { since: this.#book.now, got: undefined, excusedTo: 0, hasLast });
  }

  /** Adds or removes a key; one it has alone stays, as a client without any is told nothing. */
  toggle(key: string): void {
    if (!this.#held.has(key)) this.add(key);
    else if (this.#held.size > 1) this.#held.delete(key);
  }

  /** Takes in whole blocks, and fails at what is lost, repeated or out of order. */
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

  /** Nothing is missing at the end of any key. */
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
    if (held === undefined) throw new Error(`An event of ${key}, which is not held`);
    const number = numberOf(data);
    // No matcher where nothing is wrong: there are a hundred thousand of these.
    if (!this.#book.isFor(number, key)) expect.fail(`${number} is not for ${key}`);
    if (held.got !== undefined && number <= held.got) {
      expect.fail(`${number} came behind ${held.got} under ${key}`);
    }
    this.#expectNoneMissing(key, held, number);
    held.got = number;
  }

  #excuse(): void {
    for (const held of this.#held.values()) {
      held.excusedTo = this.#book.now;
      // Its newest come again, whether or not it had some.
      if (held.hasLast) held.got = undefined;
    }
  }

  #expectNoneMissing(key: string, { since, got, excusedTo }: HeldKey, end: number): void {
    for (let number = Math.max(got ?? since, excusedTo) + 1; number < end; number++) {
      if (this.#book.isFor(number, key)) expect.fail(`${number} is missing under ${key}`);
    }
  }
}
