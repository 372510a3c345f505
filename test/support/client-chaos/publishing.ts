import { publish } from "../api.ts";
import { eventually, pause } from "../deadline.ts";
import type { Random } from "../random.ts";
import type { MessageBook } from "./book.ts";
import { TOPICS } from "./member.ts";

const CATCH_UP_DEADLINE = 90_000;

/** A client that must receive what is published. */
export interface Follower {
  hasCaughtUp(): boolean;
  /** Why messages may be missing. */
  describe(): string;
}

/** Publishes one batch after the other, and each again with the same ids until the service has it. */
export async function publishUntil(
  url: string,
  book: MessageBook,
  random: Random,
  isOver: () => boolean,
  mostPause = 30,
) {
  while (!isOver()) {
    await post(url, book, random.sample([...TOPICS, ...TOPICS], random.between(1, 8)));
    await pause(random.between(0, mostPause));
  }
}

/** Publishes at least `count` messages, without a pause. */
export async function fillHistory(url: string, book: MessageBook, count: number): Promise<void> {
  const end = book.count + count;
  while (book.count < end) {
    await post(url, book, Array.from({ length: 50 }, () => TOPICS).flat());
  }
}

async function post(url: string, book: MessageBook, topics: readonly string[]): Promise<void> {
  const body = topics.map((topic) => {
    const n = book.add(topic);
    return { topic, data: { n }, id: `chaos-${n}`, private: topic.startsWith("secret/") };
  });
  const isAccepted = async () => {
    const answer = await publish(url, body).catch(() => undefined);
    if (answer !== undefined && ![200, 502, 503].includes(answer.status)) {
      throw new Error(`A post was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer?.status === 200;
  };
  await eventually(isAccepted, "a batch is accepted", 60_000);
}

/**
 * Publishes to every topic until all clients have the newest messages: a subscription that was added last may begin after the
 * first of them. A subscription that has the last message of its topic receives no earlier message afterwards.
 */
export async function calmDown(url: string, book: MessageBook, members: readonly Follower[]) {
  const end = Date.now() + CATCH_UP_DEADLINE;
  const haveCaughtUp = () => members.every((member) => member.hasCaughtUp());
  while (!haveCaughtUp() && Date.now() < end) {
    await post(url, book, TOPICS);
    await eventually(haveCaughtUp, "all clients catch up", 3000).catch(() => {});
  }
  const late = members.filter((member) => !member.hasCaughtUp());
  if (late.length > 0) console.log(late.map((member) => member.describe()).join("\n"));
}
