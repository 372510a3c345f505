import { CONSOLE_BODY, DOCS_BODY, pageOf } from "./page.ts";
import { CONSOLE_SCRIPT, DOCS_SCRIPT } from "./script.ts";
import { CONSOLE_STYLE } from "./style.ts";
import type { PageName } from "./template.ts";

/** The templates. `scripts/build.mjs` writes them to dist/assets/, for Workers. */
export const PAGES: Readonly<Record<PageName, string>> = {
  console: pageOf({
    title: "Pocketwire console",
    body: CONSOLE_BODY,
    script: CONSOLE_SCRIPT,
    style: CONSOLE_STYLE,
  }),
  docs: pageOf({
    title: "Pocketwire HTTP API",
    body: DOCS_BODY,
    script: DOCS_SCRIPT,
    style: CONSOLE_STYLE,
  }),
};

/** The `PageSource` of a process. */
export function renderPage(name: PageName): string {
  return PAGES[name];
}
