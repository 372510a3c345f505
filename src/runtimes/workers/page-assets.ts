/** The pages of the console, which a Worker reads from its static assets. */
import { NONCE, type PageSource } from "../../api/console/template.ts";
import { RealtimeError } from "../../realtime/errors.ts";

/**
 * Returns the source of pages over the binding of static assets. A file's name ends with `.txt`: Cloudflare redirects
 * `/page.html` to `/page` unless `html_handling` is set, and a browser that gets the file itself shows its text.
 */
export function createPageAssets(assets: Fetcher): PageSource {
  return async (name) => {
    const file = `pocketwire-${name}.txt`;
    const answer = await assets.fetch(`https://assets.local/${file}`);
    const template = await answer.text();
    // With `not_found_handling` a missing file may be another page, with status 200.
    if (answer.ok && template.includes(NONCE)) return template;
    throw new RealtimeError(
      "invalid_config",
      `The static assets have no ${file}. Copy it from dist/assets/ of the package to the directory of your assets.`,
    );
  };
}
