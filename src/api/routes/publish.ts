import type { Context, Handler, MiddlewareHandler } from "hono";
import * as z from "zod/mini";
import { type FieldErrors, RealtimeError } from "../../realtime/errors.ts";
import { createMessage, type PublishInput, RESERVED_TOPICS } from "../../realtime/message.ts";
import { isFieldText } from "../../realtime/sse.ts";
import type { Message, Principal } from "../../realtime/types.ts";
import type { ClientRegistry } from "../../registry/registry.ts";
import type { Auth } from "../auth/auth.ts";
import type { AuthenticatedCaller } from "../auth/authenticator.ts";
import { type Hooks, runHook } from "../hooks.ts";
import type { RequestLimits } from "../limits.ts";
import { readJSON } from "../middleware/body-limit.ts";
import type { LimitPublisher } from "../middleware/publish-limit.ts";
import { checkQuery } from "../schemas/query.ts";
import { invalidInput, validateItem } from "../schemas/validate.ts";

const MAX_NAME = 255;

const shared = {
  id: z.optional(
    z.string().check(
      z.minLength(1),
      z.maxLength(MAX_NAME),
      // It stands between a user and their id.
      z.refine((id) => !id.includes("\t"), "Must not contain a tab."),
    ),
  ),
  private: z.optional(z.boolean()),
};

/** Levels of a topic: as many look-ups it takes to find who gets a message to it. */
const MAX_LEVELS = 100;

const isOneLine = z.refine<string>(isFieldText, "Must not contain a line break or NUL.");

const isNotReserved = z.refine<string>(
  (topic) => !RESERVED_TOPICS.has(topic),
  "Is an event of the service's own. Choose another name.",
);

export const recordSchema = z.strictObject({
  ...shared,
  collection: z.string().check(z.minLength(1), z.maxLength(MAX_NAME), isOneLine, isNotReserved),
  action: z.enum(["create", "update", "delete"]),
  record: z.looseObject({
    id: z.string().check(z.minLength(1), z.maxLength(MAX_NAME), isOneLine),
  }),
});

/** A message to a topic; a record event is the other kind. */
export function topicSchema({ maxTopicLength }: Pick<RequestLimits, "maxTopicLength">) {
  return z.strictObject({
    ...shared,
    topic: z.string().check(z.minLength(1), z.maxLength(maxTopicLength), isOneLine, isNotReserved),
    data: z.custom<unknown>(
      (data) => data !== undefined,
      "Cannot be left out. Send null for an empty message.",
    ),
  });
}

interface PublisherEnv {
  readonly Variables: { caller: AuthenticatedCaller };
}

/** Refuses a caller who may publish to no topic, before the body is read. */
export function requirePublisher(auth: Auth): MiddlewareHandler<PublisherEnv> {
  return async (c, next) => {
    const caller = await auth.identify(c, true);
    auth.assertMayPublish(caller);
    c.set("caller", caller);
    return next();
  };
}

/** `POST /api/realtime/messages`: publishes one message or a batch, all or none. It stands behind `requirePublisher`. */
export function publishMessages(
  registry: ClientRegistry,
  auth: Auth,
  limits: RequestLimits,
  limitRate: LimitPublisher,
  hooks: Hooks = {},
): Handler<PublisherEnv> {
  const createMessages = createMessageReader(limits);
  return async (c) => {
    const caller = c.get("caller");
    checkQuery(c);
    const body = await readJSON(c);
    const { principal, isAdmin } = caller;
    // The credential may have ended while the body arrived.
    if (auth.isExpired(principal)) await auth.identify(c);
    const given = createMessages(body);
    if (!isAdmin) limitRate(principal, given);
    // All of them: a record event has several, and reaches those who subscribe to any.
    const topicsOf = (messages: readonly Message[]) => messages.flatMap(({ topics }) => topics);
    await auth.authorizePublish(c, caller, topicsOf(given));
    const changed = await applyMessageHook(hooks, body, caller, c);
    const messages = changed === undefined ? given : createMessages(changed);
    if (changed !== undefined) await auth.authorizePublish(c, caller, topicsOf(messages));
    const published = isAdmin
      ? registry.publish(messages)
      : registry.publish(
          messages.map((message) => scopeIdToPublisher(message, principal)),
          principal,
        );
    const receipts = await published.catch((error) => {
      throw reusedIds(error, Array.isArray(body));
    });
    // The ids of the receipts begin with the publisher (`ofPublisher`).
    const answers = messages.map(({ id }, index) =>
      receipts[index]?.duplicate === true ? { id, duplicate: true } : { id },
    );
    return c.json(Array.isArray(body) ? answers : answers[0]);
  };
}

/** The log keys its faults by index. A batch answers 400 with these; a single message answers 409 with its own. */
function reusedIds(error: unknown, isBatch: boolean): unknown {
  if (!(error instanceof RealtimeError) || error.code !== "id_reused") return error;
  if (isBatch) return invalidInput(error.fields);
  const [fields] = Object.values(error.fields) as FieldErrors[];
  return new RealtimeError("id_reused", error.message, { fields: fields ?? {} });
}

/** @throws RealtimeError `invalid_input` when two messages of a batch have one id: only the first would be delivered. */
function refuseRepeatedIds(inputs: readonly PublishInput[]): void {
  const seen = new Map<string, number>();
  const faults: Record<string, FieldErrors> = {};
  for (const [index, { id }] of inputs.entries()) {
    if (id === undefined) continue;
    const first = seen.get(id);
    if (first === undefined) seen.set(id, index);
    else {
      const message = `Message ${first} of this batch has the same id. Give each message an id of its own.`;
      faults[index] = { id: { code: "validation_id_reused", message } };
    }
  }
  if (Object.keys(faults).length > 0) throw invalidInput(faults);
}

/** What the app's hook makes of valid messages; undefined when it changed none. */
async function applyMessageHook(
  { onMessage }: Hooks,
  body: unknown,
  { principal: { ip, identity }, isAdmin }: AuthenticatedCaller,
  c: Context,
): Promise<readonly PublishInput[] | undefined> {
  if (onMessage === undefined) return undefined;
  const inputs = (Array.isArray(body) ? body : [body]) as PublishInput[];
  const changes: PublishInput[] = [];
  for (const message of inputs) {
    const event = { ip, identity, isAdmin, message };
    changes.push((await runHook("onMessage", () => onMessage(event, c))) ?? message);
  }
  return changes;
}

/**
 * Scopes the id of a message to its publisher. Otherwise a user could use up the ids of other publishers, and their messages
 * would count as duplicates.
 */
function scopeIdToPublisher(message: Message, { identity = "" }: Principal): Message {
  return { ...message, id: `${identity}\t${message.id}` };
}

/**
 * Makes messages of what is to be published, one or a list.
 *
 * What it returns throws RealtimeError `invalid_input`, where the faults of a list are keyed by the message's index,
 * `too_large`, or as `createMessage`.
 */
export function createMessageReader({
  maxTopicLength,
  maxBatch,
  maxMessageBytes,
}: RequestLimits): (body: unknown) => readonly Message[] {
  const schema = topicSchema({ maxTopicLength });
  const faultsOf = (item: unknown): FieldErrors | undefined => {
    const isRecord = has(item, "collection");
    if (isRecord && has(item, "topic")) {
      const message = "Send either topic and data, or collection, action and record; not both.";
      return { topic: { code: "validation_match_invalid", message } };
    }
    return validateItem(isRecord ? recordSchema : schema, item);
  };
  return (body) => {
    const list: unknown[] = Array.isArray(body) ? body : [body];
    if (list.length > maxBatch) {
      throw invalidInput({
        messages: {
          code: "validation_length_too_long",
          message: `A batch holds at most ${maxBatch} messages, this one has ${list.length}. Send it in parts.`,
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
    refuseRepeatedIds(list as PublishInput[]);
    return (list as PublishInput[]).map((input, index) => {
      const message = createMessage(input);
      checkTopics(message, index, maxTopicLength);
      const bytes = utf8.encode(message.data).length;
      if (bytes <= maxMessageBytes) return message;
      throw new RealtimeError(
        "too_large",
        `The data of message ${index} takes ${bytes} bytes, and one may take ${maxMessageBytes}. Send less, or an address to fetch it from.`,
      );
    });
  };
}

const utf8 = new TextEncoder();

/** Also those that a record brings names for. */
function checkTopics({ topics }: Message, index: number, maxLength: number): void {
  for (const topic of topics) {
    if (topic.length > maxLength) {
      throw invalid(
        `Message ${index} has a topic of ${topic.length} characters, and one may have ${maxLength}.`,
      );
    }
    const levels = topic.split("/", MAX_LEVELS + 1).length;
    if (levels > MAX_LEVELS) {
      throw invalid(`Message ${index} has a topic of more than ${MAX_LEVELS} levels.`);
    }
  }
}

function invalid(message: string): RealtimeError {
  const fields = { topic: { code: "validation_length_too_long", message } };
  return new RealtimeError("invalid_input", message, { fields });
}

function has(item: unknown, name: string): boolean {
  return typeof item === "object" && item !== null && Object.hasOwn(item, name);
}
