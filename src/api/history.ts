import type { Handler } from "hono";
import * as z from "zod/mini";
import type { LogEntry } from "../realtime/types.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { IdentifyPeer } from "./peer.ts";
import { wholeNumber } from "./query.ts";
import { eventIdSchema, keysSchema } from "./subscribe.ts";
import { invalidInput, validate } from "./validation.ts";

const LIMIT = { default: 100, most: 1000 };

const historySchema = z.object({
  topic: keysSchema.check(z.minLength(1)),
  after: z.optional(eventIdSchema),
  before: z.optional(eventIdSchema),
  limit: z.optional(wholeNumber(1, LIMIT.most)),
});

/** `GET /api/realtime/messages`: messages of before, for whoever may subscribe to their topics. */
export function readMessages(registry: ClientRegistry, identify: IdentifyPeer): Handler {
  return async (c) => {
    // Whoever may not connect may not read either.
    await identify(c);
    const topic = (c.req.queries("topic") ?? []).filter((key) => key !== "");
    const { after, before, limit } = c.req.query();
    const query = {
      topic,
      after: after || undefined,
      before: before || undefined,
      limit: limit || undefined,
    };
    const request = validate(historySchema, query);
    if (request.after !== undefined && request.before !== undefined) {
      const message = "Send either after or before, not both.";
      throw invalidInput({ before: { code: "validation_match_invalid", message } });
    }
    const page = await registry.history({
      topics: request.topic,
      after: request.after,
      before: request.before,
      limit: request.limit ?? LIMIT.default,
    });
    // The newest page is another one soon.
    c.header("Cache-Control", "no-store");
    return c.json({ ...page, messages: page.messages.map(toJSON) });
  };
}

function toJSON({ cursor, at, message: { id, topics, data } }: LogEntry) {
  return { cursor, at: new Date(at).toISOString(), id, topics, data: JSON.parse(data) as unknown };
}
