import { nanoid } from "nanoid";
import { PRESENCE_PREFIX } from "./presence/presence.ts";
import type { CollectionInput, RecordChange } from "./records/collection.ts";
import { isFieldText, toJSONLine } from "./sse.ts";
import { parseTraceparent } from "./traceparent.ts";
import type { Message } from "./types.ts";
import type { Seconds } from "./units.ts";

/** The kind of change of a record. */
export type RecordAction = "create" | "update" | "delete";

interface MessageInput {
  /**
   * Idempotency key, 1 to 255 characters without tabs and NUL. By default, the log remembers the newest 10,000 ids, each for five
   * minutes (`RememberedIdLimits`). It does not append a second message with a remembered id. Default: a random id.
   */
  readonly id?: string | undefined;
  /**
   * Whether only clients with a right to the topic receive the message. Default: true if a topic rule of the message has
   * `private`, otherwise false.
   */
  readonly private?: boolean | undefined;
  /**
   * How long the message can be replayed and listed: a whole number from 1 to 31,536,000 (one year). Default: the shortest
   * `TopicRule.ttl` of its topics, otherwise as long as the log keeps the message.
   */
  readonly ttl?: Seconds | undefined;
  /**
   * The W3C trace context of the message, for subscribers that continue the trace. Default: the context of the request that
   * publishes the message, if it has one.
   */
  readonly traceparent?: string | undefined;
}

/** A message to a topic. */
export interface TopicInput extends MessageInput {
  /** 1 to `maxTopicLength` characters (2,500 by default), with neither a line break nor NUL. */
  readonly topic: string;
  /** Any value that can be written as JSON. */
  readonly data: unknown;
}

/** A change of one record, delivered as PocketBase's realtime record event. */
export interface RecordInput extends MessageInput {
  /** The collection: its name or id, or a description for filters and rules. */
  readonly collection: CollectionInput;
  /** How the record was changed. */
  readonly action: RecordAction;
  /** The record after the change, or the deleted record. */
  readonly record: { readonly id: string; readonly [field: string]: unknown };
  /** The record before an update, with the same id. Other actions have none. Clients do not receive it. Default: unknown. */
  readonly previous?: { readonly id: string; readonly [field: string]: unknown } | undefined;
}

/** What is published: a message to a topic, or a change of a record. */
export type PublishInput = TopicInput | RecordInput;

/** Names of the service's own events. The event `ping` is not in the list: a message to the topic `ping` is allowed. */
const RESERVED_TOPICS: ReadonlySet<string> = new Set([
  "PB_CONNECT",
  "PB_RESUME",
  "PB_CURSOR",
  "PB_AUTH_EXPIRED",
]);

/**
 * Whether only the service itself may publish to a topic. The API refuses such a topic (api/schemas/collection.ts). `createMessage`
 * does not check the topic of its input.
 */
export function isReservedTopic(topic: string): boolean {
  return RESERVED_TOPICS.has(topic) || topic.startsWith(PRESENCE_PREFIX);
}

/**
 * Creates the message for the log. The input is not validated, and topic rules (`TopicRules`) are not applied.
 *
 * @throws RealtimeError `invalid_event` when the data, the collection or the previous record can't be written as JSON.
 * @example
 * createMessage({ topic: "chat", data: { text: "hello" } });
 */
export function createMessage(input: PublishInput): Message {
  const { ttl, traceparent } = input;
  const message = "topic" in input ? topicMessage(input) : recordMessage(input);
  if (ttl === undefined && traceparent === undefined) return message;
  return {
    ...message,
    ...(ttl !== undefined && { ttl }),
    ...(traceparent !== undefined && { traceparent: parseTraceparent(traceparent) }),
  };
}

// Literals with all properties, because in V8 an object that is created by spreading is slower to read and takes more memory.

function topicMessage({
  id = nanoid(),
  topic,
  data,
  private: isPrivate = false,
}: TopicInput): Message {
  return { id, topics: [topic], data: toJSONLine(data), private: isPrivate };
}

function recordMessage(input: RecordInput): Message {
  const { id = nanoid(), action, record, private: isPrivate = false } = input;
  return {
    id,
    topics: topicsOfRecord(input),
    data: toJSONLine({ action, record }),
    change: toJSONLine(changeOf(input)),
    private: isPrivate,
  };
}

function changeOf({ collection, previous }: RecordInput): RecordChange {
  return { collection: toDescription(collection), previous };
}

function toDescription(collection: CollectionInput): RecordChange["collection"] {
  return typeof collection === "string" ? { name: collection } : collection;
}

/**
 * Returns the topics of a record event, as in PocketBase (apis/realtime.go, `realtimeBroadcastRecord`).
 *
 * A collection has up to four names: its name and id in `collection`, `record.collectionName` and `record.collectionId`. Each
 * name has two topics: `<name>/<record id>`, which subscriptions to `<name>/*` match, and `<name>`, which PocketBase has
 * deprecated. Topics that can't be event names and reserved topics are left out.
 */
function topicsOfRecord({ collection, record }: RecordInput): string[] {
  const { name, id } = toDescription(collection);
  const names = new Set(
    [name, id, record.collectionName, record.collectionId].filter(
      (text): text is string => typeof text === "string" && text !== "",
    ),
  );
  return [...names]
    .flatMap((text) => [`${text}/${record.id}`, text])
    .filter((topic) => isFieldText(topic) && !isReservedTopic(topic));
}
