import type { Dom } from "./dom.ts";

/** What the page shows of an operation in the OpenAPI document. */
interface Operation {
  readonly summary: string;
  readonly security: readonly object[];
  readonly tags: readonly string[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: object }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

interface OpenAPI {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/**
 * Shows the OpenAPI document that the page contains: a section for each operation, and one for the schemas. The function is longer
 * than 50 lines because each function of a page must be self-contained (parts.ts).
 */
export function showDocument({ find, create, append }: Dom): void {
  /** A block of JSON. `tabIndex` makes it reachable by keyboard, since it scrolls. */
  const block = (value: object): HTMLElement => {
    const element = create("pre", JSON.stringify(value, null, 1));
    element.tabIndex = 0;
    return element;
  };

  const section = (title: string): HTMLElement => {
    const element = create("section", "", "wide");
    append(element, create("h2", title));
    append(find("main"), element);
    return element;
  };

  /** Says who may call an operation. */
  const accessTo = ({ security, tags }: Operation): string => {
    if (security.some((scheme) => Object.keys(scheme).length === 0)) return "No credential needed.";
    if (tags.includes("administration")) return "Needs the admin key.";
    return "Needs the admin key, or a token with the right to publish.";
  };

  const parameterList = ({ parameters = [] }: Operation): HTMLElement => {
    const list = create("ul");
    for (const { name, in: location, required, schema } of parameters) {
      const item = create("li");
      const usage = create("span", `, ${location}${required ? ", required" : ""}: `);
      append(item, create("code", name), usage, create("code", JSON.stringify(schema)));
      append(list, item);
    }
    return list;
  };

  const responseList = ({ responses }: Operation): HTMLElement => {
    const list = create("dl");
    for (const [status, { description }] of Object.entries(responses)) {
      append(list, create("dt", status), create("dd", description));
    }
    return list;
  };

  const showOperation = (title: string, operation: Operation): void => {
    const { summary, requestBody } = operation;
    const element = section(title);
    append(element, create("p", `${summary} ${accessTo(operation)}`), parameterList(operation));
    if (requestBody !== undefined) append(element, block(requestBody.content));
    append(element, responseList(operation));
  };

  // test/unit/api/routes/openapi.test.ts validates the document.
  const { paths, components }: OpenAPI = JSON.parse(find("#openapi").textContent ?? "");
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      showOperation(`${method.toUpperCase()} ${path}`, operation);
    }
  }
  const schemas = section("Schemas");
  for (const [name, schema] of Object.entries(components.schemas)) {
    append(schemas, create("h3", name), block(schema));
  }
}
