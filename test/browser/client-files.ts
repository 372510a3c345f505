import { fileURLToPath } from "node:url";
import type { BrowserContext } from "playwright-core";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

/** Serves the client's files to pages of a service, as the example's own server does. */
export async function serveClient(context: BrowserContext, url: string): Promise<void> {
  await context.route(`${url}/pocketwire/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    return route.fulfill({
      path: `${DIST}${pathname.slice("/pocketwire".length)}`,
      contentType: "text/javascript",
    });
  });
}
