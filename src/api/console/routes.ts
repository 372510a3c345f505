/** The console: a page to look at a service with, and try it. */
import type { Context, Handler } from "hono";
import { nanoid } from "nanoid";
import { runConsole } from "./app.ts";
import { CONSOLE_BODY, pageOf } from "./page.ts";
import { CONSOLE_STYLE } from "./style.ts";

/**
 * esbuild (in wrangler and tsx) wraps each function in a helper that keeps its name, and calls the helper anything when it
 * minifies. The page carries a function's source without the helper: this finds what it is called here.
 */
function nameKeeper(): string {
  const sample = String(() => {
    const sentinel = () => {};
    return sentinel;
  });
  const found = /([\w$]+)\(\(\)\s*=>\s*\{\s*\},\s*"sentinel"\)/.exec(sample)?.[1];
  return found === undefined ? "" : `const ${found} = (value) => value;`;
}

const SCRIPT = `(() => {${nameKeeper()}(${runConsole})();})();`;

/** `GET /`. It is the same for everybody: what it shows, it asks for with the key that somebody types in. */
export const showConsole: Handler = (c) =>
  sendPage(c, (nonce) => ({
    title: "Pocketwire console",
    body: `${CONSOLE_BODY}<script nonce="${nonce}">${SCRIPT}</script>`,
  }));

/** Answers with a page that has everything in it, and a policy that lets nothing else in. */
export function sendPage(
  c: Context,
  make: (nonce: string) => { readonly title: string; readonly body: string },
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
  const { title, body } = make(nonce);
  return c.html(pageOf(title, body, `<style nonce="${nonce}">${CONSOLE_STYLE}</style>`));
}
