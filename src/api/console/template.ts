/** The templates of the console and of the page of the HTTP API. Each response replaces the placeholders in its template. */

/** `console` is `GET /`, `docs` is `GET /api/docs`. */
export type PageName = "console" | "docs";

/**
 * Returns the template of a page. A process renders the template. A Worker reads it from its static assets, because the
 * templates would make the Worker's script larger.
 */
export type PageSource = (name: PageName) => string | Promise<string>;

/** Placeholder for the nonce of the Content-Security-Policy, in every `<script>` and `<style>`. */
export const NONCE = "{{nonce}}";

/** Placeholder for the OpenAPI document, in the page `docs`. */
export const OPENAPI = "{{openapi}}";
