import type { Handler } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import type { ClientRegistry } from "../../registry/registry.ts";

/** `GET /api/health`: the process answers. */
export const showHealth: Handler = (c) =>
  c.json({ code: 200, message: "API is healthy.", data: {} });

/**
 * `GET /api/health/ready`: it takes clients and messages. On Workers each hub is asked, and so woken: ask seldom.
 *
 * @param isClosing The service is being stopped.
 */
export function showReady(registry: ClientRegistry, isClosing: () => boolean): Handler {
  return async (c) => {
    if (isClosing()) throw new RealtimeError("closed", "The server is stopping. Try again soon.");
    try {
      await registry.stats();
    } catch (cause) {
      if (cause instanceof RealtimeError) throw cause;
      throw new RealtimeError("unreachable", "The log can't be read. Try again soon.", { cause });
    }
    return c.json({ code: 200, message: "API is ready.", data: {} });
  };
}
