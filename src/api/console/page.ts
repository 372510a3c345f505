import { NONCE } from "./template.ts";

/** The parts that differ between the pages. `script` is a JavaScript statement. */
interface Page {
  readonly title: string;
  readonly body: string;
  readonly script: string;
  readonly style: string;
}

/** The template of a complete HTML document. It loads no other file, so it works without internet access. */
export function pageOf({ title, body, script, style }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style nonce="${NONCE}">${style}</style>
</head>
<body>
${body}<script nonce="${NONCE}">${script}</script>
</body>
</html>
`;
}

/** The elements of the console. Their behaviour is in browser/. */
export const CONSOLE_BODY: string = `<header>
  <h1>Pocketwire</h1>
  <p id="state" role="status"><span class="dot" aria-hidden="true"></span> <span id="state-text">not connected</span></p>
  <p class="id">client <code id="client-id">none</code></p>
  <nav aria-label="Documentation"><a id="docs" href="#">HTTP API</a></nav>
</header>
<main>
  <section aria-labelledby="h-stream">
    <h2 id="h-stream">Stream</h2>
    <div class="row">
      <button type="button" id="connect" class="primary">Connect</button>
      <button type="button" id="break" disabled>Simulate a disconnect</button>
    </div>
    <form id="subscribe">
      <div class="row">
        <label>Topic <input name="topic" value="chat" required placeholder="chat, news/*, *" autocomplete="off" aria-describedby="topic-error"></label>
        <label class="short">Replay last <input name="last" type="number" min="0" max="1000" placeholder="0"></label>
        <button>Subscribe</button>
      </div>
      <p class="error" role="status" id="topic-error"></p>
      <details>
        <summary>Options</summary>
        <label>Filter <input name="filter" placeholder="status = 'open'" autocomplete="off" aria-describedby="filter-error"></label>
        <p class="error" role="status" id="filter-error"></p>
        <label>Fields <input name="fields" placeholder="id, title" autocomplete="off" aria-describedby="fields-error"></label>
        <p class="error" role="status" id="fields-error"></p>
        <label>Other options, JSON <input name="options" placeholder='{"query":{"leave":true}}' autocomplete="off" aria-describedby="options-error"></label>
        <p class="error" role="status" id="options-error"></p>
      </details>
    </form>
    <ul id="subscriptions" class="chips" aria-label="Subscriptions"></ul>
  </section>

  <section aria-labelledby="h-publish">
    <h2 id="h-publish">Publish</h2>
    <label>Admin key or token <input id="key" type="password" autocomplete="off" placeholder="stays in this page"></label>
    <form id="publish">
      <fieldset class="row">
        <legend class="hidden">Kind</legend>
        <label class="inline"><input type="radio" name="kind" value="message" checked> Message</label>
        <label class="inline"><input type="radio" name="kind" value="record"> Record event</label>
      </fieldset>
      <div class="row" data-kind="message">
        <label>Topic <input name="topic" value="chat" autocomplete="off"></label>
        <label class="inline"><input type="checkbox" name="private"> Private</label>
      </div>
      <div class="row" data-kind="record" hidden>
        <label>Collection <input name="collection" value="posts" autocomplete="off"></label>
        <label>Action <select name="action"><option>create</option><option>update</option><option>delete</option></select></label>
        <label>Previous record, JSON <input name="previous" placeholder="of an update, optional" autocomplete="off"></label>
      </div>
      <label><span id="data-label">Data, JSON</span> <textarea name="data" rows="3" spellcheck="false">{"text":"hello"}</textarea></label>
      <div class="row"><button class="primary">Publish</button><button type="button" id="history">Read the history of the topic</button></div>
    </form>
    <p id="answer" role="status"></p>
  </section>

  <section aria-labelledby="h-events" class="wide">
    <h2 id="h-events">Events</h2>
    <div class="row">
      <label>Filter events <input id="filter" type="search" placeholder="topic or data" autocomplete="off"></label>
      <button type="button" id="pause" aria-pressed="false">Pause</button>
      <button type="button" id="clear">Clear</button>
      <p id="counts">0 events</p>
    </div>
    <ol id="events" aria-label="Received events, newest first" tabindex="0"></ol>
  </section>

  <section aria-labelledby="h-traffic">
    <h2 id="h-traffic">Traffic</h2>
    <svg id="chart" viewBox="0 0 300 80" preserveAspectRatio="none" role="img" aria-label="The last minute: events per second, and clients as a dashed line"></svg>
    <p>Solid line: events per second. Dashed line: clients, if you enter the admin key.</p>
    <p id="rate">0 events per second</p>
    <dl id="stats"></dl>
  </section>

  <section aria-labelledby="h-clients">
    <h2 id="h-clients">Clients</h2>
    <div class="row"><button type="button" id="load-clients">List clients</button></div>
    <p id="clients-note">The list requires the admin key.</p>
    <ul id="clients" aria-label="Clients"></ul>
  </section>

  <section aria-labelledby="h-topics">
    <h2 id="h-topics">Topics</h2>
    <div class="row"><button type="button" id="load-topics">List topics</button></div>
    <p id="topics-note" class="note" role="status">The list requires the admin key.</p>
    <ul id="topics" class="list" aria-label="Topics" tabindex="0"></ul>
    <div id="members-panel" hidden>
      <h3 id="members-title" tabindex="-1">Members</h3>
      <div class="row"><button type="button" id="refresh-members">Refresh</button><button type="button" id="close-members">Close</button></div>
      <p id="members-note" class="note" role="status"></p>
      <ul id="members" class="list" aria-labelledby="members-title" tabindex="0"></ul>
    </div>
  </section>

  <section aria-labelledby="h-callbacks">
    <h2 id="h-callbacks">Callbacks</h2>
    <div class="row"><button type="button" id="load-callbacks">List callbacks</button></div>
    <p id="callbacks-note" class="note" role="status">The list requires the admin key.</p>
    <div id="callbacks" class="list" role="region" aria-label="Recent callbacks, newest first" tabindex="0" hidden>
      <table>
        <thead><tr><th scope="col">Time</th><th scope="col">Type</th><th scope="col">Items</th><th scope="col">Outcome</th><th scope="col">ms</th></tr></thead>
        <tbody></tbody>
      </table>
    </div>
  </section>

  <section aria-labelledby="h-same" class="wide">
    <h2 id="h-same">Repeat the last step</h2>
    <h3>curl</h3>
    <pre id="curl" tabindex="0" aria-label="The last step with curl"></pre>
    <h3>PocketBase SDK</h3>
    <pre id="sdk" tabindex="0" aria-label="The last step with the PocketBase SDK"></pre>
  </section>
</main>
`;
