import type { UIMessageChunk } from "ai";
import {
  type EndMessage,
  isStop,
  MAX_SILENCE,
  type PartsMessage,
  readAnswerMessage,
} from "./messages.ts";
import { type FeedListener, isTemporary, type TopicFeed } from "./topic-feed.ts";

/** Time without a message after which the reader reads the history, in milliseconds. */
const CHECK_AFTER = MAX_SILENCE * 1.5;
/** Number of such reads without a new message after which the answer fails. */
const MAX_CHECKS = 3;
/** Time in which a stopped answer must end, in milliseconds. */
const STOP_TIMEOUT = 10_000;
/** Number of reads of the history for a message that is missing, and the time between two reads in milliseconds. */
const MAX_LOOKS = 10;
const LOOK_INTERVAL = 200;
/** Maximum number of messages that wait for an earlier one. Further messages are read from the history later. */
const MAX_WAITING = 1000;

const MISSING =
  "A part of the answer is missing, because the service no longer has it. Load the chat again.";
const SILENT = `No part of the answer has arrived for ${(CHECK_AFTER * MAX_CHECKS) / 1000} seconds. The process that publishes the answer may have ended.`;

/** Reads one answer from its topic: every part once and in order. */
export class AnswerReader implements FeedListener {
  readonly stream: ReadableStream<UIMessageChunk>;
  readonly #feed: TopicFeed;
  readonly #answer: string;
  readonly #remove: () => void;
  readonly #onDone: () => void;
  readonly #waiting = new Map<number, PartsMessage | EndMessage>();
  #controller: ReadableStreamDefaultController<UIMessageChunk> | undefined;
  /** Number of the next message. */
  #next = 0;
  #isDone = false;
  #isLooking = false;
  #hasAborted = false;
  #checks = 0;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param onDone Called once, when the reader needs no more messages. */
  constructor(
    feed: TopicFeed,
    answer: string,
    signal: AbortSignal | undefined,
    onDone: () => void,
  ) {
    this.#feed = feed;
    this.#answer = answer;
    const onAbort = () => this.#fail(signal?.reason ?? new DOMException("Aborted.", "AbortError"));
    this.#onDone = () => {
      signal?.removeEventListener("abort", onAbort);
      onDone();
    };
    this.stream = new ReadableStream<UIMessageChunk>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#finish();
      },
    });
    this.#remove = feed.add(this);
    this.#startCheck();
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort);
  }

  onData(data: unknown): void {
    if (this.#isDone) return;
    const message = readAnswerMessage(data);
    // A stop that came before this answer was meant for an earlier answer.
    if (message === undefined && isStop(data) && this.#next > 0) this.#startStop();
    if (message?.answer !== this.#answer || !this.#take(message)) return;
    if (this.#waiting.size > 0) void this.#look();
  }

  onGap(): void {
    void this.#look();
  }

  onEnd(error: Error): void {
    this.#fail(error);
  }

  /** Takes a message. @returns false if the reader had it already. */
  #take(message: PartsMessage | EndMessage): boolean {
    const { index } = message;
    if (index < this.#next || this.#waiting.has(index)) return false;
    if (index === this.#next || this.#waiting.size < MAX_WAITING) this.#waiting.set(index, message);
    for (;;) {
      const next = this.#waiting.get(this.#next);
      if (next === undefined || this.#isDone) return true;
      this.#waiting.delete(this.#next);
      this.#next += 1;
      this.#startCheck();
      this.#deliver(next);
    }
  }

  #deliver(message: PartsMessage | EndMessage): void {
    if ("parts" in message) {
      for (const part of message.parts) this.#enqueue(part);
      return;
    }
    const { end, error } = message;
    if (end === "failed" && error !== undefined) this.#enqueue({ type: "error", errorText: error });
    this.#close(end === "stopped");
  }

  #enqueue(part: UIMessageChunk): void {
    if (part.type === "abort") this.#hasAborted = true;
    this.#controller?.enqueue(part);
  }

  #close(isStopped: boolean): void {
    if (isStopped && !this.#hasAborted) this.#enqueue({ type: "abort" });
    if (this.#finish()) this.#controller?.close();
  }

  #fail(error: unknown): void {
    if (this.#finish()) this.#controller?.error(error);
  }

  /** @returns false if the reader had finished before. */
  #finish(): boolean {
    if (this.#isDone) return false;
    this.#isDone = true;
    clearTimeout(this.#checkTimer);
    clearTimeout(this.#stopTimer);
    this.#remove();
    this.#onDone();
    return true;
  }

  /** Reads what is missing from the history. @returns whether the history could be read. */
  async #look(): Promise<boolean> {
    if (this.#isLooking || this.#isDone) return false;
    this.#isLooking = true;
    try {
      for (let looks = 1; !this.#isDone; looks++) {
        const oldest = await this.#readHistory();
        if (this.#isDone || this.#waiting.size === 0) return true;
        // A later message has arrived, but not the next. A replica on Workers may not have it yet.
        const isTrimmed = oldest !== undefined && oldest > this.#next;
        if (isTrimmed || looks === MAX_LOOKS) this.#fail(new Error(MISSING));
        else await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
      }
    } catch (error) {
      if (!isTemporary(error)) this.#fail(error);
    } finally {
      this.#isLooking = false;
    }
    return false;
  }

  /** Reads the answer's messages back to the newest one that the reader has. @returns the number of the oldest message read. */
  async #readHistory(): Promise<number | undefined> {
    const known = Math.max(this.#next - 1, 0);
    const found: (PartsMessage | EndMessage)[] = [];
    for await (const page of this.#feed.readBack()) {
      const messages = page.flatMap(({ data }) => readAnswerMessage(data) ?? []);
      found.unshift(...messages.filter(({ answer }) => answer === this.#answer));
      if (this.#isDone || (found[0]?.index ?? Number.POSITIVE_INFINITY) <= known) break;
    }
    for (const message of found) this.#take(message);
    return found[0]?.index;
  }

  #startCheck(): void {
    clearTimeout(this.#checkTimer);
    this.#checks = 0;
    this.#checkTimer = setTimeout(() => void this.#check(), CHECK_AFTER);
  }

  /** Nothing has arrived for some time: the publisher has ended, or messages were lost on the way. */
  async #check(): Promise<void> {
    const next = this.#next;
    const couldRead = await this.#look();
    if (this.#isDone || this.#next > next) return;
    if (couldRead) this.#checks += 1;
    if (this.#checks >= MAX_CHECKS) this.#fail(new Error(SILENT));
    else this.#checkTimer = setTimeout(() => void this.#check(), CHECK_AFTER);
  }

  /** The publisher ends the answer. If it does not, its process has ended before. */
  #startStop(): void {
    this.#stopTimer ??= setTimeout(async () => {
      await this.#look();
      if (!this.#isDone) this.#close(true);
    }, STOP_TIMEOUT);
  }
}
