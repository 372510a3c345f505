import type { Handler } from "hono";
import * as z from "zod/mini";
import type { FieldErrors } from "../realtime/errors.ts";
import { createMessage, type PublishInput, RESERVED_TOPICS } from "../realtime/message.ts";
import { isFieldText } from "../realtime/sse.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import { readJSON } from "./body.ts";
import { findFaults, invalidInput } from "./validation.ts";

/** Messages in one batch. */
const MAX_BATCH = 1000;
/** UTF-16 code units: as long as a subscription key may be. */
const MAX_TOPIC = 2500;
const MAX_NAME = 255;

const shared = {
  id: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_NAME))),
  private: z.optional(z.boolean()),
};

const isOneLine = z.refine<string>(isFieldText, "Must not contain a line break or NUL.");

const isFree = z.refine<string>(
  (topic) => !RESERVED_TOPICS.has(topic),
  "Is an event of the service's own. Choose another name.",
);

const topicSchema = z.object({
  ...shared,
  topic: z.string().check(z.minLength(1), z.maxLength(MAX_TOPIC), isOneLine, isFree),
  data: z.custom<unknown>(
    (data) => data !== undefined,
    "Cannot be left out. Send null for an empty message.",
  ),
});

const recordSchema = z.object({
  ...shared,
  collection: z.string().check(z.minLength(1), z.maxLength(MAX_NAME), isOneLine, isFree),
  action: z.enum(["create", "update", "delete"]),
  record: z.looseObject({
    id: z.string().check(z.minLength(1), z.maxLength(MAX_NAME), isOneLine),
  }),
});

/** `POST /api/realtime/messages`: publishes one message or a batch, all or none. */
export function publishMessages(registry: ClientRegistry): Handler {
  return async (c) => {
    const body = await readJSON(c);
    const receipts = await registry.publish(checkInputs(body).map(createMessage));
    const answers = receipts.map(({ id }) => ({ id }));
    return c.json(Array.isArray(body) ? answers : answers[0]);
  };
}

/**
 * What is to be published, checked.
 *
 * @throws RealtimeError `invalid_input`; in a batch the faults are keyed by the message's index.
 */
export function checkInputs(body: unknown): readonly PublishInput[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  if (list.length > MAX_BATCH) {
    throw invalidInput({
      messages: {
        code: "validation_length_too_long",
        message: `A batch holds at most ${MAX_BATCH} messages, this one has ${list.length}. Send it in parts.`,
      },
    });
  }
  const faults: Record<string, FieldErrors> = {};
  for (const [index, item] of list.entries()) {
    const fault = faultsOf(item);
    if (fault !== undefined) faults[index] = fault;
  }
  const [first] = Object.values(faults);
  if (first !== undefined) throw invalidInput(Array.isArray(body) ? faults : first);
  return list as PublishInput[];
}

function faultsOf(item: unknown): FieldErrors | undefined {
  const isRecord = has(item, "collection");
  if (isRecord && has(item, "topic")) {
    const message = "Send either topic and data, or collection, action and record; not both.";
    return { topic: { code: "validation_match_invalid", message } };
  }
  return findFaults(isRecord ? recordSchema : topicSchema, item);
}

function has(item: unknown, name: string): boolean {
  return typeof item === "object" && item !== null && Object.hasOwn(item, name);
}
