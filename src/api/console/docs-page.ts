import { OPENAPI } from "./template.ts";

/** The elements of the page of the HTTP API. browser/docs.ts adds the operations and schemas of the document. */
export const DOCS_BODY: string = `<header><h1>Pocketwire HTTP API</h1></header>
<main><section class="wide"><p>The OpenAPI document: <a href="openapi.json">openapi.json</a>.</p></section></main>
<script type="application/json" id="openapi">${OPENAPI}</script>
`;
