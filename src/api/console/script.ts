/** The scripts of the pages, made of the source of functions. */
import { formatCurl } from "./browser/docs/curl.ts";
import { showDocument } from "./browser/docs/main.ts";
import { createMarkdown } from "./browser/docs/markdown.ts";
import { createOperationView } from "./browser/docs/operations.ts";
import { createSchemaView } from "./browser/docs/schemas.ts";
import { createDom } from "./browser/dom.ts";
import { runConsole } from "./browser/main.ts";
import { PARTS } from "./browser/parts.ts";

/**
 * Returns a declaration of esbuild's helper, or "" if esbuild did not add it. esbuild (in wrangler and tsx) wraps each function
 * in a helper that keeps the function's name, and may rename the helper when it minifies. The source of a function calls the
 * helper, so the page must declare it under the same name.
 */
function declareNameKeeper(): string {
  const sample = String(() => {
    const sentinel = () => {};
    return sentinel;
  });
  const found = /([\w$]+)\(\(\)\s*=>\s*\{\s*\},\s*"sentinel"\)/.exec(sample)?.[1];
  return found === undefined ? "" : `const ${found} = (value) => value;`;
}

/** Returns a statement that calls a function. `argument` is a JavaScript expression. */
function call(main: (argument: never) => void, argument: string): string {
  return `(() => {${declareNameKeeper()}(${main})(${argument});})();`;
}

/** Returns an expression for an object of functions. */
function objectOf(parts: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(parts).map(([name, part]) => `${name}: ${part}`);
  return `{${members.join(",")}}`;
}

/** Runs the console. */
export const CONSOLE_SCRIPT: string = call(runConsole, objectOf(PARTS));

/** Shows the OpenAPI document. */
export const DOCS_SCRIPT: string = call(
  showDocument,
  objectOf({ createDom, createMarkdown, createSchemaView, createOperationView, formatCurl }),
);
