import type { EventSourceMessage } from "eventsource-parser";
import { publish } from "./api.ts";
import { eventually } from "./deadline.ts";
import type { SSEClient } from "./sse-client.ts";

/** Messages with numbers, which show missing, repeated and reordered messages. */

/** The whole numbers from `from` to `to`, both included. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from + 1, 0) }, (_, index) => from + index);
}

interface PublishOptions {
  /** Messages in a request. Default 1000, which is the maximum. */
  readonly batch?: number;
  /** Text in each message. */
  readonly text?: string;
}

/** Publishes messages with the numbers from `from` to `to`. @throws when they were not accepted. */
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

let markers = 0;

/**
 * Returns all events that the clients received of earlier messages. Publishes a marker to a topic of the clients, and waits until
 * each client has received it. The result has no markers.
 */
export async function received(
  url: string,
  topic: string,
  ...clients: readonly SSEClient[]
): Promise<EventSourceMessage[][]> {
  markers += 1;
  const marker = { mark: markers };
  const answer = await publish(url, { topic, data: marker });
  if (answer.status !== 200) throw new Error(`Publishing a marker got ${answer.status}`);
  const text = JSON.stringify(marker);
  for (const [index, { events }] of clients.entries()) {
    await eventually(
      () => events.findLast(({ data }) => data === text),
      `client ${index} of ${clients.length} gets marker ${markers}, after ${events.length} events`,
    );
  }
  return clients.map(({ events }) => events.filter(({ data }) => !data.startsWith('{"mark":')));
}

/** The data of a stream's PB_RESUME, once it has arrived. */
export async function resumed({ events }: SSEClient): Promise<unknown> {
  const event = await eventually(
    () => events.find((received) => received.event === "PB_RESUME"),
    "PB_RESUME",
  );
  return JSON.parse(event.data);
}

/** A query with `topic=…` for each key, and further parameters. */
export function queryOf(
  topics: readonly string[],
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(more);
  for (const topic of topics) query.append("topic", topic);
  return `?${query}`;
}

/** The request of a browser that reconnects. */
export function withLastEventId(lastEventId: string | undefined): RequestInit {
  return { headers: { "Last-Event-ID": lastEventId ?? "" } };
}
