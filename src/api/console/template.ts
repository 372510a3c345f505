/** The templates of the console, of the page of the HTTP API, and of the OpenAPI document. */

/** `console` is `GET /`, `docs` is `GET /api/docs`, `openapi` is what `openAPIDocument` makes the OpenAPI document of. */
export type TemplateName = "console" | "docs" | "openapi";

/**
 * Returns a template. A process renders the template. A Worker reads it from its static assets, because the templates would make
 * the Worker's script larger.
 */
export type TemplateSource = (name: TemplateName) => string | Promise<string>;

/** Matches a placeholder. Every template has one. */
export const PLACEHOLDER: RegExp = /\{\{\w+\}\}/;

/** Placeholder for the nonce of the Content-Security-Policy, in every `<script>` and `<style>`. */
export const NONCE = "{{nonce}}";

/** Placeholder for the OpenAPI document, in the page `docs`. */
export const OPENAPI = "{{openapi}}";
