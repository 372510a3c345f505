import { OPENAPI_TEMPLATE } from "../openapi/template.ts";
import { CONSOLE_BODY } from "./body/body.ts";
import { CONSOLE_STYLE } from "./console-style.ts";
import { DOCS_BODY } from "./docs-page.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import { pageOf } from "./page.ts";
import { CONSOLE_SCRIPT, DOCS_SCRIPT } from "./script.ts";
import type { TemplateName } from "./template.ts";

/** The templates. `scripts/build.mjs` writes them to dist/assets/, for Workers. */
export const TEMPLATES: Readonly<Record<TemplateName, string>> = {
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
    style: DOCS_STYLE,
  }),
  openapi: OPENAPI_TEMPLATE,
};

/** The `TemplateSource` of a process. */
export function renderTemplate(name: TemplateName): string {
  return TEMPLATES[name];
}
