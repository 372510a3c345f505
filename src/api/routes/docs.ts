import type { Handler } from "hono";
import { sendPage } from "../console/routes.ts";
import type { RequestLimits } from "../limits.ts";
import { openAPI } from "./openapi.ts";

interface Operation {
  readonly summary: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: object }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

/** `GET /api/docs`: the OpenAPI document for people. */
export function showDocs(limits: RequestLimits, isServed: (path: string) => boolean): Handler {
  const { paths, components } = openAPI(limits, isServed) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, object> };
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `<h3>${name}</h3>${code(schema)}`,
  );
  const body = `<header><h1>Pocketwire's HTTP interface</h1></header>
<main><section class="wide"><p>The same for programs: <a href="openapi.json">openapi.json</a>.</p></section>
${operations.join("\n")}<section class="wide"><h2>Schemas</h2>${schemas.join("\n")}</section></main>`;
  return (c) => sendPage(c, () => ({ title: "Pocketwire, HTTP interface", body }));
}

function describe(method: string, path: string, operation: Operation): string {
  const { summary, security, parameters = [], requestBody, responses } = operation;
  const isOpen = security.some((one) => Object.keys(one).length === 0);
  const rows = parameters.map(
    ({ name, in: place, required, schema }) =>
      `<li><code>${toHTML(name)}</code>, ${place}${required ? ", required" : ""}: <code>${toHTML(JSON.stringify(schema))}</code></li>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { description }]) => `<dt>${status}</dt><dd>${toHTML(description)}</dd>`,
  );
  return `<section class="wide"><h2>${method.toUpperCase()} ${toHTML(path)}</h2><p>${toHTML(summary)} ${isOpen ? "Open to all." : "With the admin key or a token."}</p>
<ul>${rows.join("")}</ul>${requestBody === undefined ? "" : code(requestBody.content)}<dl>${answers.join("")}</dl></section>`;
}

/** It scrolls, so it can be reached by keyboard. */
function code(value: object): string {
  return `<pre tabindex="0">${toHTML(JSON.stringify(value, null, 1))}</pre>`;
}

function toHTML(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
