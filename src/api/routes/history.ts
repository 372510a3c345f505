import type { Handler } from "hono";
import * as z from "zod/mini";
import type { HistoryPage } from "../../log/history.ts";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { toJSONLine } from "../../realtime/sse.ts";
import type { ClientRegistry } from "../../registry/registry.ts";
import type { Auth } from "../auth/auth.ts";
import { chunkedResponse } from "../chunked-response.ts";
import type { SubscribeHook } from "../hooks.ts";
import type { RequestLimits } from "../limits.ts";
import type { CostLimit } from "../middleware/rate-limit.ts";
import { checkQueryParameters, wholeNumber } from "../schemas/query.ts";
import {
  eventIdSchema,
  type KeyLimits,
  keysSchema,
  topicsOf,
} from "../schemas/subscription-keys.ts";
import { invalidInput, validate } from "../schemas/validate.ts";

const LIMIT = { default: 100, most: 1000 };

/** What the history is read by. */
export function historySchema(limits: KeyLimits) {
  return z.object({
    topic: keysSchema(limits).check(z.minLength(1)),
    after: z.optional(eventIdSchema),
    before: z.optional(eventIdSchema),
    limit: z.optional(wholeNumber(1, LIMIT.most)),
  });
}

/** `GET /api/realtime/messages`: messages of before, for whoever may subscribe to their topics. */
export function showHistory(
  registry: ClientRegistry,
  auth: Auth,
  limits: RequestLimits,
  askSubscribe: SubscribeHook,
  limitScan: CostLimit,
): Handler {
  const schema = historySchema(limits);
  return async (c) => {
    checkQueryParameters(c, ["after", "before", "limit"], ["topic"]);
    const topic = (c.req.queries("topic") ?? []).filter((key) => key !== "");
    const { after, before, limit } = c.req.query();
    const query = {
      topic,
      after: after || undefined,
      before: before || undefined,
      limit: limit || undefined,
    };
    const request = validate(schema, query);
    if (request.after !== undefined && request.before !== undefined) {
      const message = "Send either after or before, not both.";
      throw invalidInput({ before: { code: "validation_match_invalid", message } });
    }
    const reader = await auth.authorizeSubscribe(c, topicsOf(request.topic));
    const asked = {
      topics: await askSubscribe(c, request.topic, reader),
      after: request.after,
      before: request.before,
      limit: request.limit ?? LIMIT.default,
    };
    const network = reader.ip === undefined ? undefined : networkOf(reader.ip);
    if (network !== undefined) limitScan.check(network);
    const page = await registry.history(asked, reader);
    // A hub of an earlier deploy does not say.
    if (network !== undefined) limitScan.charge(network, page.scanned ?? 0);
    // The newest page is another one soon.
    c.header("Cache-Control", "no-store");
    c.header("Content-Type", "application/json");
    return chunkedResponse(c, piecesOf(page), limits.requestTimeout);
  };
}

/** The page as JSON. Data goes out as it stands: it may be nested deeper than it can be made anew. */
function* piecesOf({ messages, scanned: _, ...rest }: HistoryPage): Generator<string, void> {
  let before = '{"messages":[';
  for (const { cursor, at, message } of messages) {
    const { id, topics, data } = message;
    // As it was published: whose it is stands before it (`ofPublisher`), and is nobody else's business.
    const shown = id.slice(id.indexOf("\t") + 1);
    const head = toJSONLine({ cursor, at: new Date(at).toISOString(), id: shown, topics });
    yield `${before}${head.slice(0, -1)},"data":${data}}`;
    before = ",";
  }
  const tail = JSON.stringify(rest).slice(1);
  yield messages.length === 0 ? `${before}],${tail}` : `],${tail}`;
}
