import type { Dom } from "../dom.ts";
import type { formatCurl } from "./curl.ts";
import type { Document, ListedOperation } from "./document.ts";
import type { createMarkdown } from "./markdown.ts";
import type { createOperationView } from "./operations.ts";
import type { createSchemaView } from "./schemas.ts";

/** The parts of the page. */
export interface DocsParts {
  readonly createDom: () => Dom;
  readonly createMarkdown: typeof createMarkdown;
  readonly createSchemaView: typeof createSchemaView;
  readonly createOperationView: typeof createOperationView;
  readonly formatCurl: typeof formatCurl;
}

/**
 * Shows the OpenAPI document that the page contains: a section for each operation, by tag, and one for each schema. The function is
 * longer than 50 lines because each function of a page must be self-contained (parts.ts).
 */
export function showDocument(parts: DocsParts): void {
  const dom = parts.createDom();
  const { find, create, append } = dom;
  const markdown = parts.createMarkdown(dom);
  const schemas = parts.createSchemaView(dom, markdown);
  const base = new URL("..", location.href).href.replace(/\/$/, "");
  const { formatCurl } = parts;
  const viewOf = parts.createOperationView({ dom, markdown, schemas, formatCurl, base });

  const content: Document = JSON.parse(find("#document").textContent ?? "");
  const { info, tags, paths, webhooks, components } = content;

  const list = (source: Document["paths"], isWebhook: boolean): ListedOperation[] =>
    Object.entries(source).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        id: operation.operationId ?? `callback-${path}`,
        ...{ method: method.toUpperCase(), path, isWebhook, operation },
      })),
    );
  const operations = [...list(paths, false), ...list(webhooks, true)];

  const link = (address: string, ...children: readonly HTMLElement[]): HTMLElement => {
    const element = create("a");
    element.setAttribute("href", address);
    append(element, ...children);
    return element;
  };

  /** Adds a chapter to the page, and its entries to the navigation. */
  const chapter = (
    { id, title, description }: { id: string; title: string; description: string },
    entries: readonly { readonly link: HTMLElement; readonly view: HTMLElement }[],
  ): void => {
    const heading = create("h2", title);
    heading.id = id;
    append(find("main"), heading, ...markdown.blocks(description));
    append(find("main"), ...entries.map(({ view }) => view));
    const items = create("ul");
    for (const entry of entries) {
      const item = create("li");
      append(item, entry.link);
      append(items, item);
    }
    append(find("#contents"), create("h2", title), items);
  };

  const schemaSection = (name: string): HTMLElement => {
    const section = create("section");
    section.id = `schema-${name}`;
    const title = create("h3");
    append(title, create("code", name));
    append(section, title, schemas.view(components.schemas[name] ?? {}));
    return section;
  };

  /** Marks the entry of the navigation that the address names, and scrolls to what the page has added after it was loaded. */
  const showTarget = (): void => {
    for (const entry of document.querySelectorAll("#contents a")) {
      if (entry.getAttribute("href") === location.hash) entry.setAttribute("aria-current", "true");
      else entry.removeAttribute("aria-current");
    }
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  };

  find("#version").textContent = info.version;
  append(find("#intro"), ...markdown.blocks(info.description));
  for (const { name, description } of tags) {
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    const entries = operations
      .filter(({ operation }) => operation.tags.includes(name))
      .map((listed) => {
        const { id, method, path, operation } = listed;
        const badge = create("span", method, `method ${method.toLowerCase()}`);
        const target = link(`#${id}`, badge, create("span", path.replace("/api/realtime/", "…/")));
        target.title = operation.summary;
        return { link: target, view: viewOf(listed) };
      });
    if (entries.length > 0) chapter({ id: `tag-${name}`, title, description }, entries);
  }
  const names = Object.keys(components.schemas);
  chapter(
    { id: "schemas", title: "Schemas", description: "The objects in requests and responses." },
    names.map((name) => ({
      link: link(`#schema-${name}`, create("span", name)),
      view: schemaSection(name),
    })),
  );
  if (matchMedia("(min-width: 900px)").matches) find("#navigation").setAttribute("open", "");
  window.addEventListener("hashchange", showTarget);
  if (location.hash !== "") showTarget();
}
