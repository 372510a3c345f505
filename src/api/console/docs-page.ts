import { OPENAPI } from "./template.ts";

/** The elements of the page of the HTTP API. browser/docs/ adds the operations and schemas of the document. */
export const DOCS_BODY: string = `<a class="skip" href="#top">Skip to the operations</a>
<header>
  <h1>Pocketwire HTTP API <span id="version"></span></h1>
  <nav aria-label="Pages"><a href="../">Console</a> <a href="openapi.json">OpenAPI document</a></nav>
</header>
<div class="columns">
  <nav aria-label="Contents">
    <details id="navigation">
      <summary>Contents</summary>
      <div id="contents"></div>
    </details>
  </nav>
  <main id="top" tabindex="-1">
    <div id="intro"></div>
    <noscript><p>This page needs JavaScript. Read the <a href="openapi.json">OpenAPI document</a> instead.</p></noscript>
  </main>
</div>
<script type="application/json" id="document">${OPENAPI}</script>
`;
