import type { Handler } from "hono";
import * as v from "valibot";
import { compileRights } from "../../realtime/access/rights.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { isObject } from "../../realtime/is-object.ts";
import { type MemberInfo, presenceTopicOf } from "../../realtime/presence/presence.ts";
import { notAllowedError, notSignedInError } from "../auth/errors.ts";
import type { ServerContext } from "../context.ts";
import { MAX_CLIENT_ID, type RequestLimits } from "../limits.ts";
import { createSubscribeHook } from "../run-hooks.ts";
import { strictObject } from "../schemas/objects.ts";
import {
  checkQueryParameters,
  memberTopicSchema,
  presenceSchema,
  readTopicQuery,
} from "../schemas/query.ts";
import { readJSON } from "../schemas/read-body.ts";
import { validate } from "../schemas/validate.ts";
import { unknownClientError } from "../unknown-client.ts";

/** The fields that a client adds to its info. */
export const memberInfoSchema = v.custom<MemberInfo>(isObject, "Must be an object.");

/** The body of `POST /api/realtime/presence`. */
export function infoSchema(limits: Pick<RequestLimits, "maxTopicLength">) {
  return strictObject({
    clientId: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CLIENT_ID)),
    topic: memberTopicSchema(limits),
    info: memberInfoSchema,
  });
}

/** `GET /api/realtime/presence`: the members of a topic, for callers that may receive the events of `$presence/<topic>`. */
export function showPresence(context: ServerContext): Handler {
  const { registry, auth, limits, topicRules } = context;
  const schema = presenceSchema(limits);
  const runSubscribeHook = createSubscribeHook(context);
  return async (c) => {
    const { topic } = readTopicQuery(c, schema);
    const watched = presenceTopicOf(topic);
    const reader = await auth.authorizeSubscribe(c, [watched]);
    const isPublic = topicRules.ruleOf(watched)?.private === false;
    const keys = await runSubscribeHook(c, [watched], reader);
    const hasRight = isPublic || compileRights(reader.rights ?? []).covers(watched);
    if (!hasRight || !keys.includes(watched)) {
      throw reader.identity === undefined
        ? notSignedInError("read the members of this topic")
        : notAllowedError(`the topic ${JSON.stringify(watched)}, which contains the members`);
    }
    const { type: _, ...members } = await registry.members(topic, reader);
    c.header("Cache-Control", "no-store");
    return c.json({ topic, ...members });
  };
}

/** `POST /api/realtime/presence`: adds fields to the info of the caller's client in a topic. */
export function changeInfo(context: ServerContext): Handler {
  const { registry, auth, limits, rateLimits } = context;
  const schema = infoSchema(limits);
  return async (c) => {
    checkQueryParameters(c);
    const principal = await auth.authorizeSubscribe(c, []);
    const { identity } = principal;
    if (identity === undefined) throw notSignedInError("change your info");
    rateLimits.presence(identity);
    const { clientId, topic, info } = validate(schema, await readJSON(c));
    try {
      await registry.extendInfo({ clientId, topic, info, principal });
    } catch (error) {
      if (error instanceof RealtimeError && error.code === "unknown_client") {
        throw unknownClientError(context, clientId, error.message);
      }
      throw error;
    }
    return c.body(null, 204);
  };
}
