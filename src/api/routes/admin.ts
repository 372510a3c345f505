import type { Context, Handler } from "hono";
import * as z from "zod/mini";
import { MAX_IDENTITY } from "../../realtime/types.ts";
import { LIST_LIMITS } from "../../registry/paging.ts";
import type { ClientRegistry, PageRequest } from "../../registry/registry.ts";
import { readJSON } from "../middleware/body-limit.ts";
import { checkQueryParameters, wholeNumber } from "../schemas/query.ts";
import { invalidInput, validate } from "../schemas/validate.ts";
import type { UnknownClient } from "../unknown-client.ts";

export const pageSchema = z.object({
  limit: z.optional(wholeNumber(1, LIST_LIMITS.most)),
  after: z.optional(z.string().check(z.maxLength(10_000))),
});

export const revokeSchema = z.strictObject({
  subject: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_IDENTITY))),
  clientId: z.optional(z.string().check(z.minLength(1), z.maxLength(255))),
});

const GONE = "There is no such client here (any more).";

function readPage(c: Context): PageRequest {
  checkQueryParameters(c, ["limit", "after"]);
  const { limit, after } = c.req.query();
  return validate(pageSchema, { limit: limit || undefined, after: after || undefined });
}

/** `GET /api/realtime/clients`: who is connected, page by page. */
export function listClients(registry: ClientRegistry): Handler {
  return async (c) => c.json(await registry.clients(readPage(c)));
}

/** `GET /api/realtime/clients/:id`. */
export function readClient(registry: ClientRegistry, unknownClient: UnknownClient): Handler {
  return async (c) => {
    checkQueryParameters(c);
    const clientId = c.req.param("id") ?? "";
    const client = await registry.client(clientId);
    if (client === undefined) throw unknownClient(clientId, GONE);
    return c.json(client);
  };
}

/** `DELETE /api/realtime/clients/:id`: ends the stream; its client may come back. */
export function disconnectClient(registry: ClientRegistry, unknownClient: UnknownClient): Handler {
  return async (c) => {
    checkQueryParameters(c);
    const clientId = c.req.param("id") ?? "";
    if (!(await registry.disconnect(clientId))) throw unknownClient(clientId, GONE);
    return c.body(null, 204);
  };
}

/** `GET /api/realtime/topics`: what is subscribed to, page by page. */
export function listTopics(registry: ClientRegistry): Handler {
  return async (c) => c.json(await registry.topics(readPage(c)));
}

/** `POST /api/realtime/revoke`: `{"subject"}` or `{"clientId"}`. */
export function revoke(registry: ClientRegistry): Handler {
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
