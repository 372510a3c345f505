import type { Handler } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import { VERSION } from "../../realtime/version.ts";
import { serverClosed } from "../../registry/connect.ts";
import type { ServerContext } from "../context.ts";
import { readProcessStats } from "./stats.ts";

/** PocketBase's body of a health check. */
function healthBody(message: string) {
  return { code: 200, message, data: { version: VERSION } };
}

/** `GET /api/health`: the process responds. */
export const showHealth: Handler = (c) => c.json(healthBody("API is healthy."));

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
    return c.json(healthBody("API is ready."));
  };
}
