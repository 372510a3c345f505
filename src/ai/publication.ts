import type { UIMessageChunk } from "ai";
import type { Channel } from "./channel.ts";
import { type AnswerEnd, type EndMessage, MAX_SILENCE, type PartsMessage } from "./messages.ts";
import { PartQueue } from "./part-queue.ts";
import { isIdReused, isTooLarge, publishWithRetry } from "./publish-retry.ts";
import { StopWatch } from "./stop.ts";
import { createPartReader } from "./to-parts.ts";

/** Time in which a stream must end after its signal was aborted, in milliseconds. Then the stream is cancelled. */
const STOP_TIMEOUT = 2_000;

const MAX_ERROR_TEXT = 1_000;

const DEFAULT_ERROR_TEXT = "An error occurred.";

/** Settings of a publication. */
export interface PublicationSettings {
  readonly id: string;
  /** Shortest time between two messages, in milliseconds. */
  readonly interval: number;
  readonly onError: ((error: unknown) => string) | undefined;
  readonly open: (signal: AbortSignal) => ReadableStream | Promise<ReadableStream>;
  /** Whether the stream ends by itself when the signal is aborted. Otherwise it is cancelled at once. */
  readonly endsBySignal: boolean;
}

/** The work of one `publishStream`. */
export class Publication {
  readonly #channel: Channel;
  readonly #settings: PublicationSettings;
  readonly #queue = new PartQueue();
  readonly #abort = new AbortController();
  readonly #watch: StopWatch;
  #reader: ReadableStreamDefaultReader | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;
  /** Number of the next message. */
  #index = 0;
  #isStopped = false;
  /** The text of the stream's error. */
  #errorText: string | undefined;
  /** Whether the stream contained an error of the model. */
  #hasErrorPart = false;
  /** Id of the message that the answer becomes. */
  #messageId: string | undefined;

  constructor(channel: Channel, settings: PublicationSettings) {
    this.#channel = channel;
    this.#settings = settings;
    this.#watch = new StopWatch(channel, settings.id, () => this.#stop());
  }

  /** Publishes the answer to its end. Never rejects. */
  async run(): Promise<AnswerEnd> {
    void this.#readStream();
    try {
      // Readers that join before the model's first part must know that there is an answer.
      await this.#publish({ parts: [] });
      this.#watch.start();
      await this.#publishParts();
      await this.#publishEnd();
    } catch (error) {
      this.#errorText = this.#textOf(error);
      this.#cancel();
      // The service may accept the end, for example after a message that was too large.
      await this.#publishEnd().catch(() => {});
    } finally {
      this.#watch.end();
      clearTimeout(this.#stopTimer);
    }
    return this.#end;
  }

  /** Reads the stream into the queue. Never rejects. */
  async #readStream(): Promise<void> {
    const parts = createPartReader(this.#settings.id);
    try {
      this.#reader = (await this.#settings.open(this.#abort.signal)).getReader();
      if (this.#queue.isDone) return this.#cancel();
      for (;;) {
        const { done, value } = await this.#reader.read();
        for (const part of done ? parts.end() : parts.read(value)) {
          if (part.type === "error") this.#hasErrorPart = true;
          if (part.type === "start") this.#messageId ??= part.messageId;
          await this.#queue.add(part);
        }
        if (done) break;
      }
    } catch (error) {
      // A model may end with an error when its signal is aborted.
      if (!this.#abort.signal.aborted) this.#errorText = this.#textOf(error);
      this.#reader?.cancel(error).catch(() => {});
    }
    this.#queue.end();
  }

  async #publishParts(): Promise<void> {
    let next = Date.now();
    for (;;) {
      await this.#queue.ready(MAX_SILENCE);
      if (this.#queue.isDone) return;
      const wait = next - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      next = Date.now() + this.#settings.interval;
      await this.#publishSplit(this.#queue.take());
    }
  }

  /** Publishes parts, in several messages if the service refuses their size. */
  async #publishSplit(parts: readonly UIMessageChunk[]): Promise<void> {
    try {
      await this.#publish({ parts });
    } catch (error) {
      if (!isTooLarge(error) || parts.length < 2) throw error;
      const half = Math.ceil(parts.length / 2);
      await this.#publishSplit(parts.slice(0, half));
      await this.#publishSplit(parts.slice(half));
    }
  }

  async #publishEnd(): Promise<void> {
    const content = { end: this.#end, error: this.#errorText, messageId: this.#messageId };
    try {
      await this.#publish(content);
    } catch (error) {
      if (!isIdReused(error)) throw error;
      // The message before has this number: its publishing failed, although the service had accepted it.
      this.#index += 1;
      await this.#publish(content);
    }
  }

  async #publish(content: object): Promise<void> {
    const { id: answer } = this.#settings;
    const message = { answer, index: this.#index, ...content } as PartsMessage | EndMessage;
    await publishWithRetry(() => this.#channel.publish(message, `${answer}.${message.index}`));
    this.#index += 1;
  }

  get #end(): AnswerEnd {
    if (this.#errorText !== undefined || this.#hasErrorPart) return "failed";
    return this.#isStopped ? "stopped" : "finished";
  }

  #stop(): void {
    this.#isStopped = true;
    this.#abort.abort(new DOMException("The answer was stopped.", "AbortError"));
    if (!this.#settings.endsBySignal) this.#cancel();
    else this.#stopTimer = setTimeout(() => this.#cancel(), STOP_TIMEOUT);
  }

  /** Ends the stream, whatever the model does. */
  #cancel(): void {
    const reason = new DOMException("The answer has ended.", "AbortError");
    this.#abort.abort(reason);
    this.#reader?.cancel(reason).catch(() => {});
    this.#queue.end();
  }

  /** Returns the text for readers. */
  #textOf(error: unknown): string {
    const { onError } = this.#settings;
    if (onError === undefined) {
      console.error(error);
      return DEFAULT_ERROR_TEXT;
    }
    try {
      return String(onError(error) ?? DEFAULT_ERROR_TEXT).slice(0, MAX_ERROR_TEXT);
    } catch (thrown) {
      console.error(thrown);
      return DEFAULT_ERROR_TEXT;
    }
  }
}
