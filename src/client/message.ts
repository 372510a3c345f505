import type { Message } from "./types.ts";

/** Reads an envelope (docs/protocol.md, "How does a client learn the topic of a message?"). */
export function readMessage(topic: string, value: unknown, eventId: string): Message {
  const envelope = Object(value) as Message;
  // An event that an embedding app sends to one client has no envelope.
  if (!envelope.at) return { topic, data: value, id: eventId, at: new Date().toISOString() };
  const { data, id, at, traceparent } = envelope;
  const { action, record } = Object(data) as Message;
  return {
    ...{ topic: envelope.topic, data, id, at, ...(traceparent && { traceparent }) },
    ...(action && record && { action, record }),
  };
}

/** Returns the first of a message's topics that a subscription matches. */
export function topicFor(subscription: string, topics: readonly string[]): string {
  if (!subscription.endsWith("*")) return subscription;
  return topics.find((topic) => topic.startsWith(subscription.slice(0, -1))) ?? subscription;
}
