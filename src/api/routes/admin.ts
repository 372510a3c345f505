import type { Handler } from "hono";
import * as v from "valibot";
import { MAX_IDENTITY } from "../../realtime/types.ts";
import { NONE_KEPT } from "../../registry/stats.ts";
import { MAX_RECENT } from "../callbacks/recent.ts";
import type { ServerContext } from "../context.ts";
import { MAX_CLIENT_ID } from "../limits.ts";
import { strictObject } from "../schemas/objects.ts";
import {
  checkQueryParameters,
  eraseSchema,
  readPageQuery,
  readTopicQuery,
  topicRulesSchema,
} from "../schemas/query.ts";
import { readJSON } from "../schemas/read-body.ts";
import { invalidInput, validate } from "../schemas/validate.ts";
import { unknownClientError } from "../unknown-client.ts";
import { readProcessStats } from "./stats.ts";

/** The body of `POST /api/realtime/revoke`. */
export const revokeSchema = strictObject({
  subject: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_IDENTITY))),
  clientId: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CLIENT_ID))),
});

const NOT_CONNECTED = "No client with this id is connected.";

/** `GET /api/realtime/clients`: the connected clients, page by page. */
export function listClients({ registry }: ServerContext): Handler {
  return async (c) => c.json(await registry.clients(readPageQuery(c)));
}

/** `GET /api/realtime/clients/:id`: one client. */
export function showClient(context: ServerContext): Handler<object, "/:id"> {
  return async (c) => {
    checkQueryParameters(c);
    const clientId = c.req.param("id");
    const client = await context.registry.client(clientId);
    if (client === undefined) throw unknownClientError(context, clientId, NOT_CONNECTED);
    return c.json(client);
  };
}

/** `DELETE /api/realtime/clients/:id`: ends the client's stream. The client may reconnect. */
export function disconnectClient(context: ServerContext): Handler<object, "/:id"> {
  return async (c) => {
    checkQueryParameters(c);
    const clientId = c.req.param("id");
    if (!(await context.registry.disconnect(clientId))) {
      throw unknownClientError(context, clientId, NOT_CONNECTED);
    }
    return c.body(null, 204);
  };
}

/** `GET /api/realtime/topics`: the topics with subscribers, page by page. */
export function listTopics({ registry }: ServerContext): Handler {
  return async (c) => c.json(await registry.topics(readPageQuery(c)));
}

/** `GET /api/realtime/topics/rules`: the topic rules, what they keep, and which of them applies to a topic (`?topic=`). */
export function showTopicRules(context: ServerContext): Handler {
  const { topicRules, limits } = context;
  const schema = topicRulesSchema(limits);
  return async (c) => {
    const { topic } = readTopicQuery(c, schema);
    // A hub of an earlier version returns no `kept`.
    const { kept = NONE_KEPT } = await readProcessStats(context);
    const applied = topic !== undefined && { topic, rule: topicRules.indexOf(topic) ?? null };
    return c.json({ rules: topicRules.list, kept, ...applied });
  };
}

/** `GET /api/realtime/callbacks`: what this process has asked and told the backend recently, newest first. */
export function listCallbacks({ asker, teller }: ServerContext): Handler {
  return (c) => {
    checkQueryParameters(c);
    const callbacks = [...(asker?.recent ?? []), ...(teller?.recent ?? [])]
      .sort((a, b) => b.at.localeCompare(a.at))
      .slice(0, MAX_RECENT);
    return c.json({ callbacks });
  };
}

/** `DELETE /api/realtime/messages`: erases the history of the topics that a topic, `prefix/*` or `*` matches. */
export function eraseHistory({ registry, limits, logger }: ServerContext): Handler {
  const schema = eraseSchema(limits);
  return async (c) => {
    const { topic } = readTopicQuery(c, schema);
    const erased = await registry.erase(topic);
    logger.info("history erased", { topic, erased });
    return c.json({ erased });
  };
}

/** `POST /api/realtime/revoke`: revokes a user (`{"subject"}`), or ends one stream (`{"clientId"}`). */
export function revoke({ registry }: ServerContext): Handler {
  return async (c) => {
    checkQueryParameters(c);
    const { subject, clientId } = validate(revokeSchema, await readJSON(c));
    if (subject !== undefined && clientId === undefined) {
      return c.json({ disconnected: await registry.revoke({ subject }) });
    }
    if (clientId !== undefined && subject === undefined) {
      return c.json({ disconnected: await registry.revoke({ clientId }) });
    }
    const message = "Send either subject or clientId.";
    throw invalidInput({ subject: { code: "validation_match_invalid", message } });
  };
}
