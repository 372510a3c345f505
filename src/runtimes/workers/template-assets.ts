/** The templates of the console and of the OpenAPI document, which a Worker reads from its static assets. */
import { PLACEHOLDER, type TemplateSource } from "../../api/console/template.ts";
import { RealtimeError } from "../../realtime/errors.ts";

/**
 * Returns a `TemplateSource` that reads from the binding of static assets. The files have the extension `.txt`, because Cloudflare
 * redirects `/page.html` to `/page` unless `html_handling` is set. A browser that opens a file shows its text.
 */
export function createTemplateAssets(assets: Fetcher): TemplateSource {
  return async (name) => {
    const file = `pocketwire-${name}.txt`;
    const response = await assets.fetch(`https://assets.local/${file}`);
    const template = await response.text();
    // With `not_found_handling`, the response for a missing file may be another page with status 200.
    if (response.ok && PLACEHOLDER.test(template)) return template;
    throw new RealtimeError(
      "invalid_config",
      `The static assets have no ${file}. Copy it from dist/assets/ of the package to the directory of your assets.`,
    );
  };
}
