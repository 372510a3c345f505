/** The page "Live" of the console: the stream, publishing, and the events. */

const STEPS = `  <section id="steps" class="wide" aria-labelledby="h-steps">
    <div class="title"><h2 id="h-steps">Start here</h2><button type="button" id="hide-steps" class="quiet">Hide</button></div>
    <ol class="steps">
      <li id="step-subscribe"><strong>Subscribe</strong> <span>to a topic such as <code>chat</code>. The page then connects to the service.</span></li>
      <li id="step-publish"><strong>Publish</strong> <span>a message to the topic. First enter the admin key of the service (<code>REALTIME_ADMIN_KEY</code>) above.</span></li>
      <li id="step-resume"><strong>Break</strong> <span>the stream, publish again, and press Resume. No message is missing.</span></li>
    </ol>
  </section>
`;

const STREAM = `    <section aria-labelledby="h-stream">
      <h2 id="h-stream">Stream</h2>
      <div class="row">
        <button type="button" id="connect">Connect</button>
        <button type="button" id="break" disabled aria-describedby="stream-note">Break</button>
      </div>
      <p id="stream-note" class="note" role="status">Subscribe to a topic to connect.</p>
      <form autocomplete="off" spellcheck="false" id="subscribe">
        <label>Topics <input name="topic" value="chat" required placeholder="chat, news/*, *" aria-describedby="topic-hint topic-error"></label>
        <p class="error" role="status" id="topic-error"></p>
        <p class="note" id="topic-hint">Separate topics with commas. Write <code>\\,</code> for a comma in a topic.</p>
        <div class="row">
          <label class="short">Replay last <input name="last" type="number" min="0" max="1000" placeholder="0" aria-describedby="last-error"></label>
          <button class="primary">Subscribe</button>
        </div>
        <p class="error" role="status" id="last-error"></p>
        <details>
          <summary>Options</summary>
          <label>Filter <input name="filter" placeholder="status = 'open'" aria-describedby="filter-error"></label>
          <p class="error" role="status" id="filter-error"></p>
          <label>Fields <input name="fields" placeholder="id, title" aria-describedby="fields-error"></label>
          <p class="error" role="status" id="fields-error"></p>
          <label>Other options, JSON <input name="options" placeholder='{"query":{"leave":true}}' aria-describedby="options-error"></label>
          <p class="error" role="status" id="options-error"></p>
        </details>
      </form>
      <ul id="subscriptions" class="chips" aria-label="Subscriptions"></ul>
      <p id="no-subscriptions" class="note">No subscriptions yet. They appear here.</p>
    </section>
`;

const PUBLISH = `    <section aria-labelledby="h-publish">
      <h2 id="h-publish">Publish</h2>
      <form autocomplete="off" spellcheck="false" id="publish">
        <fieldset class="switch">
          <legend class="hidden">Kind</legend>
          <label><input type="radio" name="kind" value="message" checked> Message</label>
          <label><input type="radio" name="kind" value="record"> Record event</label>
          <label><input type="radio" name="kind" value="batch"> Batch</label>
        </fieldset>
        <div class="row" data-kind="message">
          <label>Topic <input name="topic" value="chat" aria-describedby="publish-topic-error"></label>
        </div>
        <p class="error" role="status" id="publish-topic-error" data-kind="message"></p>
        <div class="row" data-kind="record" hidden>
          <label>Collection <input name="collection" value="posts" aria-describedby="publish-collection-error"></label>
          <label>Action <select name="action"><option>create</option><option>update</option><option>delete</option></select></label>
        </div>
        <p class="error" role="status" id="publish-collection-error" data-kind="record"></p>
        <label><span id="data-label">Data, JSON</span> <textarea name="data" rows="4" aria-describedby="publish-data-error"></textarea></label>
        <p class="error" role="status" id="publish-data-error"></p>
        <div data-kind="record" hidden>
          <label>Previous record, JSON <input name="previous" placeholder="optional, for updates" aria-describedby="publish-previous-error"></label>
          <p class="error" role="status" id="publish-previous-error"></p>
        </div>
        <div class="row" data-kind="message record">
          <label>Message id <input name="id" placeholder="optional" aria-describedby="publish-id-error"></label>
          <label class="short">Seconds to live <input name="ttl" type="number" min="1" step="1" placeholder="none" aria-describedby="publish-ttl-error"></label>
          <label class="inline"><input type="checkbox" name="private"> Private</label>
        </div>
        <p class="error" role="status" id="publish-id-error"></p>
        <p class="error" role="status" id="publish-ttl-error"></p>
        <div class="row"><button class="primary">Publish</button></div>
      </form>
      <p id="answer" class="note" role="status"></p>
    </section>
`;

const EVENTS = `    <section aria-labelledby="h-events" class="events">
      <div class="title"><h2 id="h-events">Events</h2><p id="counts" class="dim">0 events</p></div>
      <div class="row">
        <label>Search events <input id="search" type="search" placeholder="topic, data, id" autocomplete="off" spellcheck="false"></label>
        <label class="inline"><input id="service-events" type="checkbox" checked> Service events</label>
        <button type="button" id="pause">Pause</button>
        <button type="button" id="clear">Clear</button>
      </div>
      <div class="stack">
      <ol id="events" class="scroll" aria-label="Received events, newest first" tabindex="0"></ol>
      <p id="no-events" class="empty">No events yet. Messages to your topics appear here, newest first.</p>
      </div>
    </section>
`;

const CODE = `    <section aria-labelledby="h-code">
      <h2 id="h-code">The last step as code</h2>
      <div class="pair">
        <div><div class="title"><h3>curl</h3><button type="button" class="quiet" id="copy-curl">Copy</button></div>
        <pre id="curl" tabindex="0" role="region" aria-label="The last step with curl"></pre></div>
        <div><div class="title"><h3>PocketBase SDK</h3><button type="button" class="quiet" id="copy-sdk">Copy</button></div>
        <pre id="sdk" tabindex="0" role="region" aria-label="The last step with the PocketBase SDK"></pre></div>
      </div>
      <p id="code-note" class="note"></p>
    </section>
`;

export const LIVE: string = `<div id="page-live" class="page live">
${STEPS}  <div class="side">
${STREAM}${PUBLISH}  </div>
  <div class="content">
${EVENTS}${CODE}  </div>
</div>
`;
