import { toJSONLine } from "../sse.ts";
import { matchingTopics } from "../subscriptions/subscription-key.ts";
import type { LogEntry } from "../types.ts";

/**
 * Puts the data of an event into an envelope, which tells a subscriber of a pattern where the message came from.
 *
 * @param pattern The topic of the subscription: a topic, `prefix/*` or `*`.
 * @param data JSON.
 * @example
 * envelopeFor("chat/*", entry, "1"); // {"topic":"chat/1","id":"…","at":"2026-11-28T09:00:00.000Z","data":1}
 */
export function envelopeFor(pattern: string, { message, at }: LogEntry, data: string): string {
  const topic = message.topics.find((name) => matchingTopics(name).includes(pattern));
  return addData({ topic, id: publishedId(message.id), at: new Date(at).toISOString() }, data);
}

/** Returns the JSON of some fields and data. The data is inserted as it is, because parsing it could exceed the stack. */
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
