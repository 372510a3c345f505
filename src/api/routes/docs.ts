import type { Handler } from "hono";
import { sendPage } from "../console/routes.ts";
import type { ServerContext } from "../context.ts";
import { openAPIDocument } from "../openapi/document.ts";

/** What the page shows of an operation in the OpenAPI document. */
interface Operation {
  readonly summary: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: object }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

/** `GET /api/docs`: the OpenAPI document as a page. */
export function showDocs(context: ServerContext): Handler {
  let body: string | undefined;
  return (c) => {
    body ??= describeAPI(context);
    const page = { title: "Pocketwire HTTP API", body };
    return sendPage(c, () => page);
  };
}

function describeAPI(context: ServerContext): string {
  // The document is typed as JSON; test/unit/api/routes/openapi.test.ts validates it.
  const { paths, components } = openAPIDocument(context) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, object> };
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `<h3>${name}</h3>${code(schema)}`,
  );
  return `<header><h1>Pocketwire HTTP API</h1></header>
<main><section class="wide"><p>The OpenAPI document: <a href="openapi.json">openapi.json</a>.</p></section>
${operations.join("\n")}<section class="wide"><h2>Schemas</h2>${schemas.join("\n")}</section></main>`;
}

function describe(method: string, path: string, operation: Operation): string {
  const { summary, security, parameters = [], requestBody, responses } = operation;
  const isOpen = security.some((scheme) => Object.keys(scheme).length === 0);
  const access = isOpen
    ? "No credential needed."
    : "Needs the admin key. To publish, a token with the right to publish is enough.";
  const rows = parameters.map(
    ({ name, in: location, required, schema }) =>
      `<li><code>${toHTML(name)}</code>, ${location}${required ? ", required" : ""}: <code>${toHTML(JSON.stringify(schema))}</code></li>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { description }]) => `<dt>${status}</dt><dd>${toHTML(description)}</dd>`,
  );
  return `<section class="wide"><h2>${method.toUpperCase()} ${toHTML(path)}</h2><p>${toHTML(summary)} ${access}</p>
<ul>${rows.join("")}</ul>${requestBody === undefined ? "" : code(requestBody.content)}<dl>${answers.join("")}</dl></section>`;
}

/** A block of JSON. `tabindex` makes it reachable by keyboard, since it scrolls. */
function code(value: object): string {
  return `<pre tabindex="0">${toHTML(JSON.stringify(value, null, 1))}</pre>`;
}

function toHTML(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
