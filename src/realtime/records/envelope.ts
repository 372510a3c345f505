import { toJSONLine } from "../sse.ts";
import { matchingTopics } from "../subscriptions/subscription-key.ts";
import type { LogEntry } from "../types.ts";

/**
 * Returns the data of an event in an envelope. The topic in the envelope is the first of the message's topics that
 * matches the pattern.
 *
 * @param pattern The topic of the subscription: a topic, `prefix/*` or `*`.
 * @param data JSON.
 * @example
 * envelopeFor("chat/*", entry, "1"); // {"topic":"chat/1","id":"…","at":"2026-11-28T09:00:00.000Z","data":1}
 */
export function envelopeFor(pattern: string, { message, at }: LogEntry, data: string): string {
  const topic = message.topics.find((name) => matchingTopics(name).includes(pattern));
  const { id, traceparent } = message;
  return addData({ topic, id: publishedId(id), at: new Date(at).toISOString(), traceparent }, data);
}

/**
 * Returns the JSON of an object with the given fields and the field `data`.
 *
 * @param data JSON. It is inserted without being parsed, because parsing deeply nested JSON could exceed the stack.
 */
export function addData(fields: object, data: string): string {
  return `${toJSONLine(fields).slice(0, -1)},"data":${data}}`;
}

/**
 * Returns a message id as it was published: without the publisher's identity before the tab, which is not public
 * (`publisherOfId` in log/log.ts).
 */
export function publishedId(id: string): string {
  return id.slice(id.indexOf("\t") + 1);
}
