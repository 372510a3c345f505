import type { Handler } from "hono";
import type { HistoryPage } from "../../log/history.ts";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { addData, publishedId } from "../../realtime/records/envelope.ts";
import { chunkedResponse } from "../chunked-response.ts";
import type { ServerContext } from "../context.ts";
import { createSubscribeHook } from "../run-hooks.ts";
import { createHistoryReader } from "../schemas/query.ts";
import { topicsOf } from "../schemas/subscription-keys.ts";

/** `GET /api/realtime/messages`: earlier messages, for callers that may subscribe to their topics. */
export function showHistory(context: ServerContext): Handler {
  const { registry, auth, limits, rateLimits } = context;
  const { historyScan } = rateLimits;
  const readQuery = createHistoryReader(limits);
  const runSubscribeHook = createSubscribeHook(context);
  return async (c) => {
    const query = readQuery(c);
    const reader = await auth.authorizeSubscribe(c, topicsOf(query.topics));
    const request = { ...query, topics: await runSubscribeHook(c, query.topics, reader) };
    const network = reader.ip === undefined ? undefined : networkOf(reader.ip);
    if (network !== undefined) historyScan.check(network);
    const page = await registry.history(request, reader);
    // A hub of an earlier deploy leaves `scanned` out.
    if (network !== undefined) historyScan.charge(network, page.scanned ?? 0);
    // The newest page changes with the next message.
    c.header("Cache-Control", "no-store");
    c.header("Content-Type", "application/json");
    return chunkedResponse(c, formatPage(page), limits.requestTimeout);
  };
}

/** The page as JSON, message by message. */
function* formatPage({ messages, cursor: pageCursor, more }: HistoryPage): Generator<string, void> {
  let before = '{"messages":[';
  for (const { cursor, at, message } of messages) {
    const { id, topics, data, traceparent } = message;
    const head = {
      cursor,
      at: new Date(at).toISOString(),
      id: publishedId(id),
      topics,
      traceparent,
    };
    yield before + addData(head, data);
    before = ",";
  }
  const end = messages.length === 0 ? `${before}]` : "]";
  yield `${end},${JSON.stringify({ cursor: pageCursor, more }).slice(1)}`;
}
