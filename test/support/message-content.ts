import { createMessage, type PublishInput } from "../../src/realtime/message.ts";
import type { CollectionRules } from "../../src/realtime/records/collection.ts";
import { Filter } from "../../src/realtime/records/filter.ts";
import type { MessageContent } from "../../src/realtime/records/message-content.ts";
import { MessageContents } from "../../src/realtime/records/message-contents.ts";
import { type Viewer, viewerOf } from "../../src/realtime/records/viewer.ts";
import { maySelect, topicOf } from "../../src/realtime/subscriptions/subscription-key.ts";
import type { Principal } from "../../src/realtime/types.ts";

/** A subscription key with a query. */
export function keyWith(topic: string, query: Readonly<Record<string, unknown>>): string {
  return `${topic}?options=${encodeURIComponent(JSON.stringify({ query }))}`;
}

export const ADMINISTRATOR: Viewer = viewerOf({ isAdmin: true });
export const GUEST: Viewer = viewerOf({});

export const subscribed = (key: string) => ({
  key,
  topic: topicOf(key),
  maySelect: maySelect(key),
});

/** The content of one message. */
export function contentOf(
  input: PublishInput,
  rules: Readonly<Record<string, CollectionRules>> = {},
  at = Date.parse("2026-11-28T09:00:00Z"),
): MessageContent {
  const entry = { cursor: "0-test-1", at, message: createMessage(input) };
  return new MessageContents(rules).of(entry);
}

/** The parsed data that a viewer receives for a key. Undefined if the viewer receives nothing. */
export function receive(content: MessageContent, key: string, viewer: Viewer | Principal = {}) {
  const reader = "key" in viewer ? viewer : viewerOf(viewer);
  const data = content.dataFor(subscribed(key), reader);
  return data === undefined ? undefined : JSON.parse(data);
}

/** Counts the evaluations of filters and rules while `run` runs. */
export async function countEvaluations(run: () => unknown): Promise<number> {
  const { matches } = Filter.prototype;
  let count = 0;
  Filter.prototype.matches = function counted(...input) {
    count += 1;
    return matches.apply(this, input);
  };
  try {
    await run();
  } finally {
    Filter.prototype.matches = matches;
  }
  return count;
}
