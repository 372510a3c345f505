import type { UIMessageChunk } from "ai";
import { AnswerReader } from "./answer-reader.ts";
import { readAnswerMessage } from "./messages.ts";
import type { FoundAnswer } from "./running-answer.ts";
import type { FeedListener, TopicFeed } from "./topic-feed.ts";

/** Maximum number of messages that are kept until the id of the answer is known. Further messages are read from the history later. */
const MAX_EARLY = 1000;

/** The answers of one chat, in one page. */
export class ChatTopic {
  readonly feed: TopicFeed;
  /** Ids of the answers that this page has read, or that `watch` has announced. */
  readonly #known = new Set<string>();
  /** Ids of other answers that have begun. */
  readonly #unknown = new Set<string>();
  readonly #watchers = new Set<() => void>();
  readonly #watch: FeedListener = {
    onData: (data) => this.#note(data),
    onGap: () => {},
    onEnd: () => {},
  };
  #unwatch = () => {};
  /** Number of calls of `read` that have not ended, and of their streams. */
  #active = 0;

  constructor(feed: TopicFeed) {
    this.feed = feed;
  }

  /**
   * Reads one answer.
   *
   * @param find Returns the id of the answer, and the messages of the topic since its beginning as far as they are known. Called when the
   *   topic is subscribed to, so that no message is missed in the meantime.
   * @returns null if there is no answer to read.
   */
  async read(
    find: (feed: TopicFeed) => Promise<FoundAnswer | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<ReadableStream<UIMessageChunk> | null> {
    const early: unknown[] = [];
    const onData = (data: unknown) => {
      if (early.length < MAX_EARLY) early.push(data);
    };
    const remove = this.feed.add({ onData, onGap: () => {}, onEnd: () => {} });
    this.#active += 1;
    const onDone = () => {
      this.#active -= 1;
      this.#announce();
    };
    try {
      const found = await find(this.feed);
      if (found === undefined) {
        onDone();
        return null;
      }
      this.#known.add(found.id);
      this.#unknown.delete(found.id);
      const reader = new AnswerReader(this.feed, found.id, signal, onDone);
      for (const data of [...found.data, ...early]) reader.onData(data);
      return reader.stream;
    } catch (error) {
      onDone();
      throw error;
    } finally {
      remove();
    }
  }

  /** Calls a listener when an answer has begun that this page does not read. @returns a function that removes the listener. */
  watch(listener: () => void): () => void {
    if (this.#watchers.size === 0) this.#unwatch = this.feed.add(this.#watch);
    this.#watchers.add(listener);
    return () => {
      if (this.#watchers.delete(listener) && this.#watchers.size === 0) this.#unwatch();
    };
  }

  #note(data: unknown): void {
    const message = readAnswerMessage(data);
    // After a subscription, the newest message may be the end of an answer that the page has loaded.
    if (message === undefined || "end" in message || this.#known.has(message.answer)) return;
    this.#unknown.add(message.answer);
    this.#announce();
  }

  /** Tells the listeners of new answers, unless the page may be reading them. */
  #announce(): void {
    if (this.#active > 0 || this.#unknown.size === 0) return;
    for (const id of this.#unknown) this.#known.add(id);
    this.#unknown.clear();
    for (const listener of [...this.#watchers]) listener();
  }
}
