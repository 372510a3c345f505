import { MAX_SILENCE, readAnswerMessage } from "./messages.ts";
import type { TopicFeed, TopicMessage } from "./topic-feed.ts";

/** An answer with all its messages so far. */
export interface FoundAnswer {
  readonly id: string;
  /** The data of all messages of the topic since the answer began, oldest first. */
  readonly data: readonly unknown[];
}

/**
 * Finds the answer that a page joins: the newest answer that has not ended. Otherwise the newest answer, if it has ended and the page
 * does not show it.
 *
 * @param isShown Whether the page shows the message that an answer became.
 * @returns undefined if there is none.
 */
export async function findAnswer(
  feed: TopicFeed,
  isShown: (messageId: string) => boolean,
): Promise<FoundAnswer | undefined> {
  let id: string | undefined;
  let data: unknown[] = [];
  for await (const page of feed.readBack()) {
    id ??= choose(page, isShown);
    if (id === undefined) return undefined;
    const first = page.findIndex((one) => {
      const message = readAnswerMessage(one.data);
      return message?.index === 0 && message.answer === id;
    });
    data = [...page.slice(Math.max(first, 0)).map((one) => one.data), ...data];
    if (first >= 0) return { id, data };
  }
  if (id === undefined) return undefined;
  throw new Error(
    "The service no longer has the beginning of the answer. Wait for its end, and load the chat again.",
  );
}

/** Chooses the answer by the newest messages of a topic. */
function choose(
  page: readonly TopicMessage[],
  isShown: (messageId: string) => boolean,
): string | undefined {
  const seen = new Set<string>();
  let notShown: string | undefined;
  for (const { data, at } of page.toReversed()) {
    const message = readAnswerMessage(data);
    if (message === undefined || seen.has(message.answer)) continue;
    const isNewest = seen.size === 0;
    seen.add(message.answer);
    if ("parts" in message) {
      if (!isLost(at, page)) return message.answer;
    } else if (isNewest && message.end !== "failed" && message.messageId !== undefined) {
      if (!isShown(message.messageId)) notShown = message.answer;
    }
  }
  return notShown;
}

/** Whether the publisher of an answer has ended: other messages were published long after the answer's last message. */
function isLost(at: string, page: readonly TopicMessage[]): boolean {
  const newest = page.at(-1)?.at ?? at;
  return Date.parse(newest) - Date.parse(at) > 2.5 * MAX_SILENCE;
}
