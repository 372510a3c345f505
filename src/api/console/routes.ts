/** The routes of the console and of the page of the HTTP API. */
import type { Context, Handler } from "hono";
import { nanoid } from "nanoid";
import type { ServerContext } from "../context.ts";
import { openAPIDocument } from "../openapi/document.ts";
import { NONCE, OPENAPI } from "./template.ts";

/** `GET /`: the console. The page needs no credential; its requests carry the key that the user enters. */
export function showConsole({ templates }: ServerContext): Handler {
  return async (c) => sendPage(c, await templates("console"));
}

/** `GET /api/docs`: the OpenAPI document as a page. The page contains the document, and its script shows it. */
export function showDocs(context: ServerContext): Handler {
  let json: string | undefined;
  return async (c) => {
    // `<` could end the element that contains the JSON.
    json ??= JSON.stringify(await openAPIDocument(context)).replaceAll("<", "\\u003c");
    return sendPage(c, await context.templates("docs"), json);
  };
}

/**
 * Responds with a page of HTML. Its Content-Security-Policy allows requests to the service itself, and blocks every script and
 * style without the nonce.
 *
 * @param openapi The OpenAPI document as JSON. It replaces the placeholder `OPENAPI` of the template.
 */
function sendPage(c: Context, template: string, openapi = ""): Response | Promise<Response> {
  const nonce = nanoid();
  c.header("Cache-Control", "no-store");
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  c.header("Cross-Origin-Opener-Policy", "same-origin");
  c.header(
    "Content-Security-Policy",
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  // The replacement is a function, because `$` has a special meaning in a replacement text.
  return c.html(template.replaceAll(NONCE, nonce).replace(OPENAPI, () => openapi));
}
