import type { Dom } from "../dom.ts";
import type { formatCurl } from "./curl.ts";
import type { Body, ListedOperation, Operation } from "./document.ts";
import type { Markdown } from "./markdown.ts";
import type { SchemaView } from "./schemas.ts";

/** What `createOperationView` needs. */
export interface OperationTools {
  readonly dom: Pick<Dom, "create" | "append">;
  readonly markdown: Markdown;
  readonly schemas: SchemaView;
  readonly formatCurl: typeof formatCurl;
  /** The address of the service, without a slash at its end. */
  readonly base: string;
}

/** Makes the section of an operation. */
export function createOperationView({ dom, markdown, schemas, ...tools }: OperationTools) {
  const { create, append } = dom;

  /** A block of code. `tabIndex` makes it reachable by keyboard, since it scrolls. */
  const block = (text: string, label: string): HTMLElement => {
    const element = create("pre", text);
    element.tabIndex = 0;
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", label);
    return element;
  };

  const formatExample = (example: unknown): string =>
    typeof example === "string" ? example.trimEnd() : JSON.stringify(example, null, 2);

  /** Says who may call an operation. */
  const accessTo = ({ security = [], tags }: Operation): string => {
    if (tags.includes("callbacks")) return "The service sends this request to your backend.";
    if (security.some((scheme) => Object.keys(scheme).length === 0)) {
      return "No credential needed.";
    }
    if (tags.includes("administration")) return "Needs the admin key.";
    return "Needs the admin key or the token of a user.";
  };

  const titleOf = ({ id, method, path, operation }: ListedOperation): HTMLElement => {
    const title = create("h3");
    const anchor = create("a", "#", "anchor");
    anchor.setAttribute("href", `#${id}`);
    anchor.setAttribute("aria-label", `Link to ${operation.summary}`);
    append(title, create("span", method, `method ${method.toLowerCase()}`));
    append(title, create("code", path), anchor);
    return title;
  };

  const addParameters = (section: HTMLElement, { parameters = [] }: Operation): void => {
    if (parameters.length === 0) return;
    const list = create("ul", "", "fields");
    for (const { name, in: place, required, schema, description, example } of parameters) {
      const note = `in ${place}${required ? ", required" : ""}`;
      const item = schemas.field(name, schema, note, description);
      if (example !== undefined) {
        const line = create("p", "Example: ");
        append(line, create("code", String(example)));
        append(item, line);
      }
      append(list, item);
    }
    append(section, create("h4", "Parameters"), list);
  };

  /** Adds the schema and the example of a body. */
  const addBody = (section: HTMLElement, { content = {} }: Body, name: string): void => {
    for (const [type, { schema, example }] of Object.entries(content)) {
      if (type === "application/json") append(section, schemas.view(schema));
      if (example !== undefined) {
        append(section, create("p", `Example, ${type}:`, "note"));
        append(section, block(formatExample(example), `Example of the ${name}`));
      }
    }
  };

  const addResponses = (section: HTMLElement, { responses, summary }: Operation): void => {
    append(section, create("h4", "Responses"));
    for (const [status, response] of Object.entries(responses)) {
      const details = create("details", "", "response");
      const head = create("summary");
      append(
        head,
        create("code", status),
        markdown.inline(create("span"), response.description ?? ""),
      );
      append(details, head);
      if (status.startsWith("2")) details.setAttribute("open", "");
      addBody(details, response, `response ${status}: ${summary}`);
      append(section, details);
    }
  };

  return (listed: ListedOperation): HTMLElement => {
    const { id, operation, isWebhook } = listed;
    const { summary, description = "", requestBody } = operation;
    const section = create("section");
    section.id = id;
    append(section, titleOf(listed), markdown.inline(create("p", "", "summary"), summary));
    if (description !== "") append(section, ...markdown.blocks(description));
    append(section, create("p", accessTo(operation), "note"));
    addParameters(section, operation);
    if (requestBody !== undefined) {
      append(section, create("h4", "Request body"));
      addBody(section, requestBody, `request: ${summary}`);
    }
    if (!isWebhook) {
      append(section, create("h4", "With curl"));
      append(section, block(tools.formatCurl(listed, tools.base), `curl: ${summary}`));
    }
    addResponses(section, operation);
    return section;
  };
}
