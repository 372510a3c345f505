/** Messages to publish: their schemas, and how a body becomes messages. */
import * as v from "valibot";
import { type FieldErrors, RealtimeError } from "../../realtime/errors.ts";
import { createMessage, type PublishInput } from "../../realtime/message.ts";
import { isTTL, type TopicRule, TopicRules, TTL_RULE } from "../../realtime/topic-rules.ts";
import { parseTraceparent } from "../../realtime/traceparent.ts";
import type { Message } from "../../realtime/types.ts";
import { MAX_MESSAGE_ID, MAX_TOPIC_LEVELS, type RequestLimits } from "../limits.ts";
import { collectionSchema, isNotReserved } from "./collection.ts";
import { object, oneOf, strictObject } from "./objects.ts";
import { isOneLine } from "./subscription-keys.ts";
import { invalidInput, validateItem } from "./validate.ts";

/** The time to live of a message. */
export const ttlSchema = v.custom<number>(isTTL, `M${TTL_RULE.slice(1)}.`);

/** The W3C trace context of a message. */
export const traceparentSchema = v.custom<string>(
  (text) => typeof text === "string" && parseTraceparent(text) !== undefined,
  "Must be a traceparent as in the W3C Trace Context: 00-<32 digits>-<16 digits>-<2 digits>, in lower-case hexadecimal.",
);

const shared = {
  id: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(MAX_MESSAGE_ID),
      // A tab separates the publisher's identity from the id (`scopeIdToPublisher` in routes/publish.ts). `node:sqlite` reads a
      // text up to its first NUL.
      v.check((id) => !/[\t\0]/.test(id), "Must contain neither a tab nor NUL."),
    ),
  ),
  private: v.optional(v.boolean()),
  ttl: v.optional(ttlSchema),
  traceparent: v.optional(traceparentSchema),
};

/** The record of a record event. */
export const recordContentSchema = object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_MESSAGE_ID), isOneLine),
});

/** A record event of a collection. */
export const recordSchema = v.pipe(
  strictObject({
    ...shared,
    collection: collectionSchema,
    action: oneOf(["create", "update", "delete"]),
    record: recordContentSchema,
    previous: v.optional(recordContentSchema),
  }),
  v.forward(
    v.check(
      ({ action, previous }) => previous === undefined || action === "update",
      'Only an update has a previous record. Leave it out, or send the action "update".',
    ),
    ["previous"],
  ),
  v.forward(
    v.check(
      ({ record, previous }) => previous === undefined || previous.id === record.id,
      "Must be the id of the record. Send the same record as it was before the update.",
    ),
    ["previous", "id"],
  ),
);

/** A message to a topic. */
export function topicSchema({ maxTopicLength }: Pick<RequestLimits, "maxTopicLength">) {
  return strictObject({
    ...shared,
    topic: v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(maxTopicLength),
      isOneLine,
      isNotReserved,
    ),
    data: v.custom<unknown>(
      (data) => data !== undefined,
      "Cannot be left out. Send null for an empty message.",
    ),
  });
}

/** The limits of messages to publish. */
export type MessageLimits = Pick<RequestLimits, "maxTopicLength" | "maxBatch" | "maxMessageBytes">;

/**
 * Turns a body, one message or a list, into messages.
 *
 * @param isTrusted Whether the publisher may publish a public message although a topic rule says `private`. True for the embedding
 *   app and for holders of the admin key. Default false.
 */
export type MessageParser = (body: unknown, isTrusted?: boolean) => readonly Message[];

/**
 * Makes a `MessageParser` that also applies topic rules.
 *
 * The function throws RealtimeError `invalid_input`, `too_large`, and what `createMessage` throws. In a list, errors of the
 * schemas and of repeated ids are keyed by the message's index.
 */
export function createMessageParser(
  limits: MessageLimits,
  rules: TopicRules = new TopicRules(),
): MessageParser {
  const { maxTopicLength, maxBatch, maxMessageBytes } = limits;
  const schema = topicSchema(limits);
  return (body, isTrusted = false) => {
    const inputs = validateInputs(body, schema, maxBatch);
    refuseRepeatedIds(inputs);
    const errors: Record<string, FieldErrors> = {};
    const messages = inputs.map((input, index) => {
      const message = createMessage(input);
      checkTopics(message, index, maxTopicLength);
      checkSize(message, index, maxMessageBytes);
      const changed = applyRules(message, rules.rulesOf(message.topics));
      if (input.private !== false) return changed;
      if (changed.private && !isTrusted) errors[index] = NOT_PUBLIC;
      return { ...changed, private: false };
    });
    throwIfAny(errors, body);
    return messages;
  };
}

/**
 * Applies the rules of a message's topics. If one rule has `private`, the message is private. The message's own `ttl` takes
 * precedence over the rules; of several rules with a `ttl`, the shortest applies.
 */
function applyRules(message: Message, rules: readonly TopicRule[]): Message {
  if (rules.length === 0) return message;
  const isPrivate = message.private || rules.some((rule) => rule.private);
  const ttls = rules.flatMap(({ ttl }) => ttl ?? []);
  const ttl = message.ttl ?? (ttls.length > 0 ? Math.min(...ttls) : undefined);
  return { ...message, private: isPrivate, ...(ttl !== undefined && { ttl }) };
}

const NOT_PUBLIC: FieldErrors = {
  private: {
    code: "validation_match_invalid",
    message:
      "Messages to this topic are private, and only holders of the admin key may publish a public one. Leave the field out.",
  },
};

/** @throws RealtimeError `invalid_input` if there are errors. In a list, they are keyed by the message's index. */
function throwIfAny(errors: Readonly<Record<string, FieldErrors>>, body: unknown): void {
  const [first] = Object.values(errors);
  if (first !== undefined) throw invalidInput(Array.isArray(body) ? errors : first);
}

/** @throws RealtimeError `invalid_input` with the errors of every message. */
function validateInputs(
  body: unknown,
  schema: ReturnType<typeof topicSchema>,
  maxBatch: number,
): readonly PublishInput[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  if (list.length > maxBatch) {
    const message = `A batch holds at most ${maxBatch} messages, this one has ${list.length}. Send it in parts.`;
    throw invalidInput({ messages: { code: "validation_length_too_long", message } });
  }
  const errors: Record<string, FieldErrors> = {};
  for (const [index, item] of list.entries()) {
    const error = errorsOf(item, schema);
    if (error !== undefined) errors[index] = error;
  }
  throwIfAny(errors, body);
  // Validated above. The schemas' own output types would lose the fields of a record.
  return list as PublishInput[];
}

function errorsOf(item: unknown, schema: ReturnType<typeof topicSchema>): FieldErrors | undefined {
  const isRecord = has(item, "collection");
  if (isRecord && has(item, "topic")) {
    const message = "Send either topic and data, or collection, action and record; not both.";
    return { topic: { code: "validation_match_invalid", message } };
  }
  return validateItem(isRecord ? recordSchema : schema, item);
}

/** @throws RealtimeError `invalid_input` when two messages of a batch have one id: only the first would be delivered. */
function refuseRepeatedIds(inputs: readonly PublishInput[]): void {
  const indexes = new Map<string, number>();
  const errors: Record<string, FieldErrors> = {};
  for (const [index, { id }] of inputs.entries()) {
    if (id === undefined) continue;
    const first = indexes.get(id);
    if (first === undefined) indexes.set(id, index);
    else {
      const message = `Message ${first} of this batch has the same id. Give each message an id of its own.`;
      errors[index] = { id: { code: "validation_id_reused", message } };
    }
  }
  if (Object.keys(errors).length > 0) throw invalidInput(errors);
}

/** Checks all topics of a message. The topics of a record event are made from its collection and record, and have no schema. */
function checkTopics({ topics }: Message, index: number, maxLength: number): void {
  for (const topic of topics) {
    if (topic.length > maxLength) {
      throw invalidTopic(
        `Message ${index} has a topic of ${topic.length} characters; the limit is ${maxLength}.`,
      );
    }
    if (topic.split("/", MAX_TOPIC_LEVELS + 1).length > MAX_TOPIC_LEVELS) {
      throw invalidTopic(`Message ${index} has a topic of more than ${MAX_TOPIC_LEVELS} levels.`);
    }
  }
}

function invalidTopic(message: string): RealtimeError {
  const fields = { topic: { code: "validation_length_too_long", message } };
  return new RealtimeError("invalid_input", message, { fields });
}

const utf8 = new TextEncoder();

function checkSize({ data, change }: Message, index: number, maxBytes: number): void {
  const bytes = utf8.encode(data).length + utf8.encode(change).length;
  if (bytes <= maxBytes) return;
  const subject =
    change === undefined
      ? `The data of message ${index} has`
      : `The record of message ${index}, its collection and its previous record have`;
  throw new RealtimeError(
    "too_large",
    `${subject} ${bytes} bytes; the limit is ${maxBytes}. Send less data, or a URL to fetch it from.`,
  );
}

function has(item: unknown, name: string): boolean {
  return typeof item === "object" && item !== null && Object.hasOwn(item, name);
}
