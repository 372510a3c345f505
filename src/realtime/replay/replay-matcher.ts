import type { MessageContent } from "../records/message-content.ts";
import type { MessageContents } from "../records/message-contents.ts";
import { SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import type { LogEntry } from "../types.ts";
import type { Match, ReplayReader } from "./replay-reader.ts";

/** Finds the keys of one client that receive a message, and the data for each of them. */
export class ReplayMatcher {
  /** Cost of the decisions (`MessageContent.takeCost`), since it was last set to 0. */
  cost = 0;
  readonly #keys: readonly string[];
  #reader: ReplayReader;
  readonly #contents: MessageContents;
  /** Created for the first message, because most clients are live from the start and have nothing to replay. */
  #lazyIndex: SubscriptionIndex<ReplayMatcher> | undefined;

  constructor(
    keys: readonly string[],
    { rights, viewer }: ReplayReader,
    contents: MessageContents,
  ) {
    this.#keys = keys;
    this.#reader = { rights, viewer };
    this.#contents = contents;
  }

  /** Must be called after the rights or the viewer of the client have changed. */
  changeReader({ rights, viewer }: ReplayReader): void {
    this.#reader = { rights, viewer };
    this.#lazyIndex?.changeRights(this, rights);
  }

  /**
   * The client's subscriptions that receive a message, in the order of the keys' hashes.
   *
   * @param getContent Returns the content of the message. Default: the contents keep it for the next reader.
   */
  matchesOf(
    entry: LogEntry,
    getContent: () => MessageContent = () => this.#contents.kept(entry),
  ): readonly Match[] {
    const { topics, private: isPrivate } = entry.message;
    const matches: Match[] = [];
    for (const subscription of this.#index.match(topics, isPrivate)) {
      const content = getContent();
      const data = content.eventDataFor(subscription, this.#reader.viewer);
      this.cost += content.takeCost();
      if (data === undefined) continue;
      matches.push({ key: subscription.key, keyHash: subscription.keyHash, data });
    }
    return matches;
  }

  /** The keys with a topic or pattern that matches a message, whether the client may receive the message or not. */
  keysOf({ message }: LogEntry): readonly string[] {
    return this.#index.match(message.topics).map(({ key }) => key);
  }

  /** An index with only this client's keys. */
  get #index(): SubscriptionIndex<ReplayMatcher> {
    if (this.#lazyIndex === undefined) {
      this.#lazyIndex = new SubscriptionIndex();
      this.#lazyIndex.replace(this, this.#keys, this.#reader.rights);
    }
    return this.#lazyIndex;
  }
}
