import type { Handler } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import { serverClosed } from "../../registry/connect.ts";
import type { ServerContext } from "../context.ts";
import { readProcessStats } from "./stats.ts";

/** `GET /api/health`: the process responds. The body is PocketBase's. */
export const showHealth: Handler = (c) =>
  c.json({ code: 200, message: "API is healthy.", data: {} });

/**
 * `GET /api/health/ready`: the service takes clients and messages. On Workers each request wakes every hub, so don't poll it
 * often.
 */
export function showReady(context: ServerContext): Handler {
  const { registry, isClosing } = context;
  return async (c) => {
    if (isClosing()) throw serverClosed();
    try {
      await readProcessStats(context);
      registry.assertWritable?.();
    } catch (cause) {
      if (cause instanceof RealtimeError) throw cause;
      throw new RealtimeError("unreachable", "The log can't be read. Try again soon.", { cause });
    }
    return c.json({ code: 200, message: "API is ready.", data: {} });
  };
}
