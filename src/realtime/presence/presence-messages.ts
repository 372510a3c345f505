import { nanoid } from "nanoid";
import type { TopicRules } from "../topic-rules.ts";
import type { Message } from "../types.ts";
import type { TopicOutcome } from "./members-table.ts";
import {
  type Member,
  type MembersEvent,
  type PresenceChange,
  type PresenceEvent,
  presenceTopicOf,
} from "./presence.ts";

/** Maximum length of the data of one event, in UTF-16 code units. A single member may exceed it. */
export const MAX_EVENT_LENGTH = 65_536;

/** Returns the messages to the subscribers of `$presence/<topic>` about what has changed. */
export function createPresenceMessages(
  { topic, statement, changes }: Pick<TopicOutcome, "topic" | "statement" | "changes">,
  rules: TopicRules,
): Message[] {
  const presenceTopic = presenceTopicOf(topic);
  const { private: isPrivate = true, ttl } = rules.ruleOf(presenceTopic) ?? {};
  const data = statement === undefined ? splitChanges(changes) : splitMembers(statement);
  return data.map((text) => ({
    id: nanoid(),
    topics: [presenceTopic],
    data: text,
    private: isPrivate,
    ...(ttl === undefined ? {} : { ttl }),
  }));
}

/**
 * Returns the data of the events that state all members. If the members don't fit into one event, the first event has the first
 * members, and `changes` with type `join` have the others.
 */
export function splitMembers({ members, count, guests }: MembersEvent): string[] {
  if (members === undefined) return [format({ type: "members", count, guests })];
  const [first = [], ...rest] = split(members);
  const joins = rest.map((part) =>
    formatChanges(part.map((member: Member) => ({ type: "join", member }))),
  );
  return [format({ type: "members", members: first, count, guests }), ...joins];
}

/** Returns the data of the events for changes: one change as it is, and several changes together. */
function splitChanges(changes: readonly PresenceChange[]): string[] {
  return split(changes).map(formatChanges);
}

function formatChanges(changes: readonly PresenceChange[]): string {
  const [first] = changes;
  return changes.length === 1 && first !== undefined
    ? format(first)
    : format({ type: "changes", changes });
}

function format(event: PresenceEvent): string {
  return JSON.stringify(event);
}

/** Splits a list into parts of about `MAX_EVENT_LENGTH` as JSON. */
function split<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const item of items) {
    const { length } = JSON.stringify(item);
    if (length > room) {
      parts.push([]);
      room = MAX_EVENT_LENGTH;
    }
    parts.at(-1)?.push(item);
    room -= length;
  }
  return parts;
}
