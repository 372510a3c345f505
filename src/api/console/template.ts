/** The console's page and the page of the HTTP API, as templates. A response fills in what its placeholders stand for. */

/** `console` is `GET /`, `docs` is `GET /api/docs`. */
export type PageName = "console" | "docs";

/**
 * Returns the template of a page. A process renders it. A Worker reads it from its static assets, because the templates would
 * make its script larger.
 */
export type PageSource = (name: PageName) => string | Promise<string>;

/** Placeholder for the nonce of the Content-Security-Policy, in every `<script>` and `<style>`. */
export const NONCE = "{{nonce}}";

/** Placeholder for the OpenAPI document, in the page `docs`. */
export const OPENAPI = "{{openapi}}";
