import { type Cursor, parseCursor } from "../../src/realtime/cursor.ts";
import { createMessage } from "../../src/realtime/message.ts";
import type {
  GapListener,
  LogEntry,
  LogPage,
  LogReader,
  MaybePromise,
  TailListener,
} from "../../src/realtime/types.ts";

/** A message of a `ForkingLog`. */
export interface ForkedMessage {
  readonly topic: string;
  readonly sequence: number;
  /** The message before it in its branch. Undefined for the first. */
  readonly parent: ForkedMessage | undefined;
  readonly entry: LogEntry;
}

/**
 * A log with gaps, as several processes have it: it loses its newest messages and continues with others (`fork`), or this process
 * misses messages (`jump`).
 */
export class ForkingLog implements LogReader {
  readonly keepsHistory = true;
  /** All messages ever, also the lost ones. The data of a message is its index. */
  readonly all: ForkedMessage[] = [];
  /** Makes reads asynchronous. A page then shows the log as it was when the read began. */
  isAsync = () => false;
  /** Maximum number of messages that one read returns. */
  maxPage = Number.POSITIVE_INFINITY;
  #branch: ForkedMessage[] = [];
  #epochs = [{ name: "e0", start: 0 }];
  #trimmedTo = 0;
  #listener: TailListener = () => {};
  #onGap: GapListener | undefined;

  tail(listener: TailListener, onGap?: GapListener): () => void {
    this.#listener = listener;
    this.#onGap = onGap;
    return () => {};
  }

  get end(): number {
    return this.#branch.length;
  }

  /** The newest message. */
  get newest(): ForkedMessage | undefined {
    return this.#branch.at(-1);
  }

  cursor(): string {
    return this.#cursorAt(this.end);
  }

  hasReached({ epoch, sequence }: Cursor): boolean {
    const index = this.#epochs.findIndex(({ name }) => name === epoch);
    return index !== -1 && sequence <= (this.#epochs[index + 1]?.start ?? this.end);
  }

  read(after: string | undefined, most: number): MaybePromise<LogPage | undefined> {
    const limit = Math.min(most, this.maxPage);
    const sequence = this.#sequenceOf(after ?? this.#cursorAt(0));
    if (sequence === undefined) return this.#answer(undefined);
    const found = this.#branch.slice(Math.max(sequence, this.#trimmedTo)).slice(0, limit);
    const end = found.length < limit ? this.end : (found.at(-1)?.sequence ?? this.end);
    return this.#answer(this.#page(found, end));
  }

  readBack(before: string | undefined, limit: number): MaybePromise<LogPage | undefined> {
    const cursor = parseCursor(before ?? "");
    const until = before === undefined ? this.end : (cursor?.sequence ?? 0) - 1;
    const found = this.#branch.slice(this.#trimmedTo, until).reverse().slice(0, limit);
    const end = found.length < limit ? 0 : (found.at(-1)?.sequence ?? 0);
    return this.#answer(this.#page(found, end));
  }

  /** Appends a message to each topic, and delivers the messages together. */
  append(...topics: readonly string[]): void {
    this.#listener(topics.map((topic) => this.#add(topic).entry));
  }

  /** Loses the messages after a sequence. Other messages follow, in a new epoch. */
  fork(validTo: number): void {
    this.#branch = this.#branch.slice(0, validTo);
    this.#trimmedTo = Math.min(this.#trimmedTo, validTo);
    this.#epochs = this.#epochs.filter(({ start }) => start <= validTo);
    this.#epochs.push({ name: `e${this.all.length}x${validTo}`, start: validTo });
    this.#onGap?.({ validTo });
  }

  /** Appends a message to each topic, which this process misses. The log has dropped them as well. */
  jump(...topics: readonly string[]): void {
    const validTo = this.end;
    for (const topic of topics) this.#add(topic);
    this.trim(this.end);
    this.#onGap?.({ validTo });
  }

  /** Drops the messages up to a sequence. */
  trim(sequence: number): void {
    this.#trimmedTo = Math.max(this.#trimmedTo, sequence);
  }

  #add(topic: string): ForkedMessage {
    const message = createMessage({ topic, data: this.all.length });
    const sequence = this.end + 1;
    const entry = { cursor: this.#cursorAt(sequence), at: 0, message };
    const added = { topic, sequence, parent: this.newest, entry };
    this.all.push(added);
    this.#branch.push(added);
    return added;
  }

  #page(found: readonly ForkedMessage[], end: number): LogPage {
    return { entries: found.map(({ entry }) => entry), end, trimmedTo: this.#trimmedTo };
  }

  #answer(page: LogPage | undefined): MaybePromise<LogPage | undefined> {
    return this.isAsync() ? new Promise((resolve) => setTimeout(resolve, 0, page)) : page;
  }

  #sequenceOf(text: string): number | undefined {
    const cursor = parseCursor(text);
    return cursor && this.hasReached(cursor) ? cursor.sequence : undefined;
  }

  #cursorAt(sequence: number): string {
    return `0-${this.#epochs.at(-1)?.name}-${sequence}`;
  }
}
