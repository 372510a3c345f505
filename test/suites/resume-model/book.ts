import { createMessage } from "../../../src/realtime/message.ts";
import type { Message } from "../../../src/realtime/types.ts";
import type { Publication } from "./steps.ts";

/** All messages by number, from 1. The numbers continue when the log is replaced. */
export class Book {
  readonly #messages: Message[] = [];
  readonly #history: number;
  #ids = new Set<string>();
  #drafts = 0;
  #epoch = 0;
  /** The number of messages of earlier epochs. */
  #before = 0;

  constructor(history = Number.POSITIVE_INFINITY) {
    this.#history = history;
  }

  /** The newest message's number. */
  get now(): number {
    return this.#messages.length;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** All messages after this number are in the history. */
  get oldest(): number {
    return Math.max(this.#before, this.now - this.#history);
  }

  /** Creates a message, and records it unless it is a duplicate. */
  take({ id, topics, size, private: isPrivate }: Publication): Message {
    this.#drafts += 1;
    const isFresh = id === undefined || !this.#ids.has(id);
    // A duplicate gets an invalid number, because it must not arrive.
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
    this.#epoch += 1;
    this.#before = this.now;
  }

  /** The number of a sequence in the current log. */
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

interface Data {
  readonly number?: number;
  readonly record?: { readonly number: number };
}

/** The number in a delivery's data, which is in an envelope or is not. */
export function numberOf(data: string, isEnveloped = false): number {
  const parsed = JSON.parse(data) as Data & { readonly data?: Data };
  const { number, record } = (isEnveloped ? parsed.data : parsed) ?? {};
  return number ?? record?.number ?? Number.NaN;
}

function reaches(subscribed: string, topic: string): boolean {
  if (subscribed === "*" || subscribed === topic) return true;
  return subscribed.endsWith("/*") && topic.startsWith(subscribed.slice(0, -1));
}
