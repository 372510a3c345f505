import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";

/** Node's request and response, as @hono/node-server passes them to the app in `c.env`. */
interface NodeBindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** Returns the bindings. Empty if the app was called without them: `app.request()`, or `app.fetch(request)`. */
export function nodeBindings(c: Context): Partial<NodeBindings> {
  return c.env ?? {};
}
