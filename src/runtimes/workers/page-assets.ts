/** The pages of the console, which a Worker reads from its static assets. */
import { NONCE, type PageSource } from "../../api/console/template.ts";
import { RealtimeError } from "../../realtime/errors.ts";

/**
 * Returns a `PageSource` that reads from the binding of static assets. The files have the extension `.txt`, because Cloudflare
 * redirects `/page.html` to `/page` unless `html_handling` is set. A browser that opens a file shows its text.
 */
export function createPageAssets(assets: Fetcher): PageSource {
  return async (name) => {
    const file = `pocketwire-${name}.txt`;
    const response = await assets.fetch(`https://assets.local/${file}`);
    const template = await response.text();
    // With `not_found_handling`, the response for a missing file may be another page with status 200.
    if (response.ok && template.includes(NONCE)) return template;
    throw new RealtimeError(
      "invalid_config",
      `The static assets have no ${file}. Copy it from dist/assets/ of the package to the directory of your assets.`,
    );
  };
}
