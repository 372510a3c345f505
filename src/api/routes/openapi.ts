import type { Handler } from "hono";
import type { ServerContext } from "../context.ts";
import { openAPIDocument } from "../openapi/document.ts";

/** `GET /api/openapi.json`: the OpenAPI document. */
export function showOpenAPI(context: ServerContext): Handler {
  let document: object | undefined;
  return async (c) => {
    // The server's URL is relative to the document's URL, so that it is right under a base path and behind a proxy that
    // removes a prefix.
    document ??= { ...(await openAPIDocument(context)), servers: [{ url: ".." }] };
    return c.json(document);
  };
}
