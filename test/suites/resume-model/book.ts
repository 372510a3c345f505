import { createMessage } from "../../../src/realtime/message.ts";
import type { Message } from "../../../src/realtime/types.ts";
import type { Publication } from "./steps.ts";

/** Every message there was, by its number: 1 is the first. A log that was taken new goes on counting here. */
export class Book {
  readonly #messages: Message[] = [];
  readonly #history: number;
  #ids = new Set<string>();
  #drafts = 0;
  #life = 0;
  /** Messages of the lives before. */
  #before = 0;

  constructor(history = Number.POSITIVE_INFINITY) {
    this.#history = history;
  }

  /** The newest message's number. */
  get now(): number {
    return this.#messages.length;
  }

  get life(): number {
    return this.#life;
  }

  /** Everything behind this number is in the history. */
  get oldest(): number {
    return Math.max(this.#before, this.now - this.#history);
  }

  /** Makes a message, and notes it unless it is a duplicate. */
  take({ id, topics, size, private: isPrivate }: Publication): Message {
    this.#drafts += 1;
    const isFresh = id === undefined || !this.#ids.has(id);
    // A duplicate's number is nobody's: it must not arrive.
    const number = isFresh ? this.now + 1 : -this.#drafts;
    const common = { id: id ?? `draft-${this.#drafts}`, private: isPrivate };
    const content = { number, pad: "é".repeat(size / 2) };
    const message =
      "topic" in topics
        ? createMessage({ ...common, ...topics, data: content })
        : createMessage({
            ...common,
            ...topics,
            action: "update",
            record: { id: "r1", ...content },
          });
    if (isFresh) this.#messages.push(message);
    this.#ids.add(message.id);
    return message;
  }

  forget(): void {
    this.#ids = new Set();
    this.#life += 1;
    this.#before = this.now;
  }

  /** Sequence in the log of now to a number. */
  numberAt(sequence: number): number {
    return this.#before + sequence;
  }

  /** Whether a message is for a key. */
  isFor(number: number, key: string): boolean {
    const message = this.#messages[number - 1];
    if (message === undefined || message.private) return false;
    return message.topics.some((topic) => reaches(key.split("?options=")[0] ?? key, topic));
  }
}

/** The number in a delivery's data. */
export function numberOf(data: string): number {
  const { number, record } = JSON.parse(data) as {
    number?: number;
    record?: { number: number };
  };
  return number ?? record?.number ?? Number.NaN;
}

function reaches(subscribed: string, topic: string): boolean {
  if (subscribed === "*" || subscribed === topic) return true;
  return subscribed.endsWith("/*") && topic.startsWith(subscribed.slice(0, -1));
}
