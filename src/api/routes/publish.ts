import type { Handler } from "hono";
import { type FieldErrors, RealtimeError } from "../../realtime/errors.ts";
import type { PublishInput } from "../../realtime/message.ts";
import { parseTraceparent } from "../../realtime/traceparent.ts";
import type { Message } from "../../realtime/types.ts";
import { appendMessages } from "../append-messages.ts";
import type { AuthenticatedCaller } from "../auth/authenticator.ts";
import type { ServerContext } from "../context.ts";
import type { PublisherEnv } from "../middleware/require-publisher.ts";
import { spanOf } from "../middleware/trace-request.ts";
import { withMessageIds } from "../publish-failure.ts";
import { applyMessageHook } from "../run-hooks.ts";
import { createMessageParser } from "../schemas/message.ts";
import { checkQueryParameters } from "../schemas/query.ts";
import { readJSON } from "../schemas/read-body.ts";
import { invalidInput } from "../schemas/validate.ts";

/**
 * `POST /api/realtime/messages`: publishes one message or a batch. Of a batch, it publishes either all messages or none.
 * `requirePublisher` must run before this handler.
 */
export function publish(context: ServerContext): Handler<PublisherEnv> {
  const { auth, hooks, asker, limits, rateLimits, topicRules } = context;
  const parseMessages = createMessageParser(limits, topicRules);
  return async (c) => {
    checkQueryParameters(c);
    const caller = c.get("pocketwire.caller");
    const body = await readJSON(c);
    const { principal, isAdmin } = caller;
    // The credential may have expired while the body arrived.
    if (auth.isExpired(principal)) await auth.identify(c);
    const given = parseMessages(body, isAdmin);
    if (!isAdmin) rateLimits.publish(principal, given);
    await auth.authorizePublish(c, caller, topicsOfMessages(given));
    // `parseMessages` has validated the body.
    const inputs = (Array.isArray(body) ? body : [body]) as readonly PublishInput[];
    const ofHook = await applyMessageHook(hooks, inputs, caller, c);
    const changed = (await asker?.publish(c, caller, ofHook ?? inputs)) ?? ofHook;
    const messages = changed === undefined ? given : parseMessages(changed, isAdmin);
    if (changed !== undefined) await auth.authorizePublish(c, caller, topicsOfMessages(messages));
    const span = spanOf(c);
    span?.addMessages(messages);
    const traceparent = parseTraceparent(c.req.header("traceparent"));
    const publisher = isAdmin ? undefined : principal;
    const scoped = scopeIds(messages, caller);
    const receipts = await appendMessages(context, scoped, publisher, traceparent, span).catch(
      (error: unknown) => {
        throw withMessageIds(reusedIds(error, Array.isArray(body)), messages);
      },
    );
    // The ids are read from `messages`, because the ids of a user's receipts are scoped to the user.
    const published = messages.map(({ id }, index) =>
      receipts[index]?.duplicate === true ? { id, duplicate: true } : { id },
    );
    return c.json(Array.isArray(body) ? published : published[0]);
  };
}

/** All topics: a record event has several, and reaches the subscribers of each. */
function topicsOfMessages(messages: readonly Message[]): string[] {
  return messages.flatMap(({ topics }) => topics);
}

/**
 * Scopes the ids of messages to their publisher. Otherwise a user could publish under an id that another publisher uses later,
 * and the log would refuse the other publisher's message or treat it as a duplicate.
 */
function scopeIds(
  messages: readonly Message[],
  { principal: { identity = "" }, isAdmin }: AuthenticatedCaller,
): readonly Message[] {
  if (isAdmin) return messages;
  return messages.map((message) => ({ ...message, id: `${identity}\t${message.id}` }));
}

/** The log keys the errors of reused ids by index. A batch gets 400 with all of them, a single message 409 with its own. */
function reusedIds(error: unknown, isBatch: boolean): unknown {
  if (!(error instanceof RealtimeError) || error.code !== "id_reused") return error;
  if (isBatch) return invalidInput(error.fields);
  // Of a single message: `{ 0: { id: … } }`.
  const [fields = {}] = Object.values(error.fields) as FieldErrors[];
  return new RealtimeError("id_reused", error.message, { fields });
}
