import { nanoid } from "nanoid";
import { isFieldText, toJSONLine } from "./sse.ts";
import type { Message } from "./types.ts";

/** What happened to a record. */
export type RecordAction = "create" | "update" | "delete";

interface MessageInput {
  /** Idempotency key, 1 to 255 characters. The log accepts each id once. Default: a random id. */
  readonly id?: string | undefined;
  /** Whether only clients with a right to the topic receive the message. Default false. */
  readonly private?: boolean | undefined;
}

/** A message to a topic. */
export interface TopicInput extends MessageInput {
  /** 1 to `maxTopicLength` characters (2,500 by default), without line breaks and NUL. */
  readonly topic: string;
  /** Any value that can be written as JSON. */
  readonly data: unknown;
}

/** A change of one record, delivered as PocketBase's realtime record event. */
export interface RecordInput extends MessageInput {
  /** Name or id of the collection. */
  readonly collection: string;
  readonly action: RecordAction;
  readonly record: { readonly id: string; readonly [field: string]: unknown };
}

/** What a backend publishes: a message to a topic, or a change of a record. */
export type PublishInput = TopicInput | RecordInput;

/** The names of the service's own events. No message can be published to these topics. */
export const RESERVED_TOPICS: ReadonlySet<string> = new Set([
  "PB_CONNECT",
  "PB_RESUME",
  "PB_CURSOR",
  "PB_AUTH_EXPIRED",
]);

/**
 * Creates the message that a backend publishes.
 *
 * @throws RealtimeError `invalid_event` when the data can't be written as JSON.
 * @example
 * createMessage({ topic: "chat", data: { text: "hello" } });
 */
export function createMessage(input: PublishInput): Message {
  const id = input.id ?? nanoid();
  const isPrivate = input.private ?? false;
  if ("topic" in input) {
    return { id, topics: [input.topic], data: toJSONLine(input.data), private: isPrivate };
  }
  const { action, record } = input;
  return {
    id,
    topics: recordTopics(input),
    data: toJSONLine({ action, record }),
    private: isPrivate,
  };
}

/**
 * The topics of a record event, as in PocketBase (apis/realtime.go, `realtimeBroadcastRecord`): for the name and the id of the
 * collection `<collection>/<record id>`, which subscriptions to `<collection>/*` match, and the deprecated `<collection>`.
 */
function recordTopics({ collection, record }: RecordInput): string[] {
  const names = new Set(
    [collection, record.collectionName, record.collectionId].filter(
      (name): name is string => typeof name === "string" && name !== "",
    ),
  );
  return [...names]
    .flatMap((name) => [`${name}/${record.id}`, name])
    .filter((topic) => isFieldText(topic) && !RESERVED_TOPICS.has(topic));
}
