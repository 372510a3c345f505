/** The route of the console, and the response that pages of HTML share. */
import type { Context, Handler } from "hono";
import { nanoid } from "nanoid";
import { CONSOLE_BODY, pageOf } from "./page.ts";
import { CONSOLE_SCRIPT } from "./script.ts";
import { CONSOLE_STYLE } from "./style.ts";

/** `GET /`: the console. The page needs no credential; its requests carry the key that the user enters. */
export const showConsole: Handler = (c) =>
  sendPage(c, (nonce) => ({
    title: "Pocketwire console",
    body: `${CONSOLE_BODY}<script nonce="${nonce}">${CONSOLE_SCRIPT}</script>`,
  }));

/**
 * Responds with a page of HTML. Its Content-Security-Policy allows requests to the service itself, and blocks every script and
 * style without the nonce.
 *
 * @param render Returns the title and the body, for the nonce of this response.
 */
export function sendPage(
  c: Context,
  render: (nonce: string) => { readonly title: string; readonly body: string },
): Response | Promise<Response> {
  const nonce = nanoid();
  c.header("Cache-Control", "no-store");
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  c.header("Cross-Origin-Opener-Policy", "same-origin");
  c.header(
    "Content-Security-Policy",
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  const { title, body } = render(nonce);
  return c.html(pageOf(title, body, `<style nonce="${nonce}">${CONSOLE_STYLE}</style>`));
}
