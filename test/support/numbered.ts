import type { EventSourceMessage } from "eventsource-parser";
import { publish } from "./api.ts";
import { eventually } from "./deadline.ts";
import type { SSEClient } from "./sse-client.ts";

/** Messages that carry a number, so that what is missing, twice or out of order shows. */

/** The whole numbers from one to another, both included. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from + 1, 0) }, (_, index) => from + index);
}

interface PublishOptions {
  /** Messages in a request. Default 1000, the most there may be. */
  readonly batch?: number;
  /** Goes with each number. */
  readonly text?: string;
}

/** Publishes messages with the numbers from one to another. @throws when they were not accepted. */
export async function publishNumbers(
  url: string,
  topic: string,
  from: number,
  to: number,
  { batch = 1000, text = "" }: PublishOptions = {},
): Promise<void> {
  for (let first = from; first <= to; first += batch) {
    const some = numbers(first, Math.min(first + batch - 1, to));
    const answer = await publish(
      url,
      some.map((n) => ({ topic, data: { n, text } })),
    );
    if (answer.status !== 200) throw new Error(`Publishing ${first} got ${answer.status}`);
  }
}

/** The numbers that events carry, in the order of their arrival. */
export function numbersOf(events: readonly EventSourceMessage[]): number[] {
  return events.flatMap(({ event, data }) => (event === "PB_RESUME" ? [] : JSON.parse(data).n));
}

let marks = 0;

/**
 * Everything that clients get of what was published before: it publishes a mark to a topic of theirs, waits
 * until each has got it, and answers what came with it, without any mark.
 */
export async function received(
  url: string,
  topic: string,
  ...clients: readonly SSEClient[]
): Promise<EventSourceMessage[][]> {
  marks += 1;
  const mark = { mark: marks };
  const answer = await publish(url, { topic, data: mark });
  if (answer.status !== 200) throw new Error(`Publishing a mark got ${answer.status}`);
  const text = JSON.stringify(mark);
  for (const [index, { events }] of clients.entries()) {
    await eventually(
      () => events.findLast(({ data }) => data === text),
      `client ${index} of ${clients.length} gets mark ${marks}, behind ${events.length} events`,
    );
  }
  return clients.map(({ events }) => events.filter(({ data }) => !data.startsWith('{"mark":')));
}

/** What a stream's PB_RESUME says, once it has come. */
export async function resumed({ events }: SSEClient): Promise<unknown> {
  const event = await eventually(
    () => events.find((received) => received.event === "PB_RESUME"),
    "PB_RESUME",
  );
  return JSON.parse(event.data);
}

/** `?topic=…` for each key, and whatever else. */
export function queryOf(
  topics: readonly string[],
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(more);
  for (const topic of topics) query.append("topic", topic);
  return `?${query}`;
}

/** What a browser sends when it comes back. */
export function backFrom(lastEventId: string | undefined): RequestInit {
  return { headers: { "Last-Event-ID": lastEventId ?? "" } };
}
