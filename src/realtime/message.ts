import { nanoid } from "nanoid";
import { isFieldText, toJSONLine } from "./sse.ts";
import type { Message } from "./types.ts";

/** What happened to a record. */
export type RecordAction = "create" | "update" | "delete";

/** What both kinds of message may say. */
interface MessageInput {
  /** Idempotence key, 1 to 255 characters; made up when left out. */
  readonly id?: string | undefined;
  /** Only for clients with a right to the topic. Default false. */
  readonly private?: boolean | undefined;
}

/** A message to a topic. */
export interface TopicInput extends MessageInput {
  /** 1 to 2,500 characters without CR, LF or NUL. */
  readonly topic: string;
  /** Anything that is JSON. */
  readonly data: unknown;
}

/** A change of one record: PocketBase's realtime record event. */
export interface RecordInput extends MessageInput {
  /** Name or id of the collection. */
  readonly collection: string;
  readonly action: RecordAction;
  readonly record: { readonly id: string; readonly [field: string]: unknown };
}

/** What a backend publishes. */
export type PublishInput = TopicInput | RecordInput;

/** Event names of the service's own; nothing can be published to them. */
export const RESERVED_TOPICS: ReadonlySet<string> = new Set([
  "PB_CONNECT",
  "PB_RESUME",
  "PB_CURSOR",
  "PB_AUTH_EXPIRED",
]);

/**
 * Makes a message of what a backend publishes, with an id if it brought none.
 *
 * @throws RealtimeError `invalid_event` when the data can't be JSON.
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
 * A record is known by its collection's name and by its id, and under both the record is
 * `<collection>/<record id>` and, deprecated, `<collection>`: PocketBase apis/realtime.go,
 * `realtimeBroadcastRecord`. `<collection>/*` follows from the former.
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
