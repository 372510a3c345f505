/** The pages of the console besides "Live". */

/** The first row of a page that shows a list: its heading, the number of its rows, and a button that loads it again. */
function title(name: string, heading: string): string {
  return `<div class="title"><h2 id="h-${name}" tabindex="-1">${heading}</h2><p id="${name}-note" class="note" role="status"></p><button type="button" id="refresh-${name}" class="quiet">Refresh</button></div>`;
}

const TOPICS = `<div id="page-topics" class="page halves" hidden>
  <div>
    <section aria-labelledby="h-topics">
      ${title("topics", "Topics")}
      <ul id="topics" class="list scroll" aria-label="Topics" tabindex="0"></ul>
      <p id="no-topics" class="empty">Topics with a subscription appear here, with the number of their subscriptions, members and guests.</p>
      <button type="button" id="more-topics" hidden>More topics</button>
    </section>
  </div>
  <div>
    <section aria-labelledby="h-topic">
      <h2 id="h-topic" tabindex="-1">One topic</h2>
      <form autocomplete="off" spellcheck="false" id="open-topic" class="row">
        <label>Topic to open <input name="topic" required placeholder="chat"></label>
        <button>Open</button>
      </form>
      <p id="no-topic" class="empty">Open a topic to read its history, its members, and the rule that applies.</p>
      <div id="topic-panel" hidden>
        <p id="topic-rule" class="note"></p>
        <div class="title"><h3 id="h-history">History</h3><p id="history-note" class="note" role="status"></p></div>
        <ol id="history" class="list scroll" aria-labelledby="h-history" tabindex="0"></ol>
        <button type="button" id="older">Older messages</button>
        <div id="members-panel" hidden>
          <div class="title"><h3 id="h-members">Members</h3><p id="members-note" class="note" role="status"></p></div>
          <ul id="members" class="list scroll" aria-labelledby="h-members" tabindex="0"></ul>
        </div>
      </div>
    </section>
  </div>
</div>
`;

const CLIENTS = `<div id="page-clients" class="page" hidden>
  <section aria-labelledby="h-clients">
    ${title("clients", "Clients")}
    <div class="row">
      <label class="narrow">Search clients <input id="search-clients" type="search" placeholder="client id, user, address, topic" autocomplete="off" spellcheck="false"></label>
    </div>
    <div class="scroll" role="region" aria-label="Table of clients" tabindex="0">
      <table id="clients" hidden>
        <thead><tr><th scope="col">Client</th><th scope="col">User</th><th scope="col">Address</th><th scope="col">Subscriptions</th><th scope="col">Since</th><th scope="col">Action</th></tr></thead>
        <tbody></tbody>
      </table>
    </div>
    <p id="no-clients" class="empty">Open streams appear here. You can disconnect a stream or revoke a user.</p>
    <button type="button" id="more-clients" hidden>More clients</button>
  </section>
  <section aria-labelledby="h-revoke">
    <h2 id="h-revoke">Revoke a user</h2>
    <p class="note">Revoking ends all streams of the user, and makes the service refuse every token that the user has received so far. New tokens work.</p>
    <form autocomplete="off" spellcheck="false" id="revoke" class="row">
      <label class="narrow">User <input name="subject" required placeholder="sub of the token"></label>
      <button class="danger">Revoke</button>
    </form>
    <p id="revoke-note" class="note" role="status"></p>
  </section>
</div>
`;

const TRAFFIC = `<div id="page-traffic" class="page" hidden>
  <section aria-labelledby="h-traffic">
    <div class="title"><h2 id="h-traffic">Traffic of the last minute</h2><p id="traffic-note" class="note" role="status"></p></div>
    <div id="charts" class="charts"></div>
  </section>
  <section aria-labelledby="h-stats">
    <h2 id="h-stats">Counts of the service</h2>
    <p id="no-stats" class="empty">The counts of the service appear here.</p>
    <dl id="stats" class="stats"></dl>
  </section>
</div>
`;

const CALLBACKS = `<div id="page-callbacks" class="page" hidden>
  <section aria-labelledby="h-callbacks">
    ${title("callbacks", "Callbacks")}
    <div id="callbacks" class="scroll" role="region" aria-label="Recent callbacks, newest first" tabindex="0" hidden>
      <table>
        <thead><tr><th scope="col">Time</th><th scope="col">Type</th><th scope="col">Items</th><th scope="col">Outcome</th><th scope="col">Milliseconds</th></tr></thead>
        <tbody></tbody>
      </table>
    </div>
    <p id="no-callbacks" class="empty">Requests of the service to your backend (<code>REALTIME_CALLBACK_URL</code>) appear here, newest first.</p>
  </section>
</div>
`;

const TOKEN = `<div id="page-token" class="page halves" hidden>
  <div>
    <section aria-labelledby="h-token">
      <h2 id="h-token">Make a token</h2>
      <p class="note">A token lets a user sign in. This page signs the token (HS256). It neither sends nor stores the secret.</p>
      <form autocomplete="off" spellcheck="false" id="token-form">
        <label>Secret <input name="secret" type="password" autocomplete="off" placeholder="REALTIME_JWT_SECRET" aria-describedby="token-secret-error"></label>
        <p class="error" role="status" id="token-secret-error"></p>
        <div class="row">
          <label>User <input name="sub" value="anna" aria-describedby="token-sub-error"></label>
          <label>Lifetime <select name="lifetime"><option value="300">5 minutes</option><option value="3600" selected>1 hour</option><option value="86400">1 day</option><option value="2592000">30 days</option></select></label>
        </div>
        <p class="error" role="status" id="token-sub-error"></p>
        <label>May receive private messages of <input name="subscribe" placeholder="chat/*, $presence/chat/*"></label>
        <label>May publish to <input name="publish" placeholder="chat/*"></label>
        <label>Info that other users see, JSON <input name="info" placeholder='{"name":"Anna"}' aria-describedby="token-info-error"></label>
        <p class="error" role="status" id="token-info-error"></p>
        <label>More claims, JSON <input name="claims" placeholder='{"record":{"role":"editor"}}' aria-describedby="token-claims-error"></label>
        <p class="error" role="status" id="token-claims-error"></p>
        <div class="row"><button class="primary">Make the token</button></div>
      </form>
    </section>
  </div>
  <div>
    <section aria-labelledby="h-made">
      <h2 id="h-made" tabindex="-1">The token</h2>
      <p id="no-token" class="empty">The signed token and its claims appear here.</p>
      <div id="made" hidden>
        <pre id="made-token" tabindex="0" role="region" aria-label="Token"></pre>
        <div class="row"><button type="button" id="use-token" class="primary">Use this token</button><button type="button" id="copy-token">Copy</button></div>
        <h3>Claims</h3>
        <pre id="made-claims" tabindex="0" role="region" aria-label="Claims of the token"></pre>
      </div>
      <p id="token-note" class="note" role="status"></p>
    </section>
  </div>
</div>
`;

const CONFIRM = `<dialog id="confirm" aria-labelledby="confirm-title">
  <form method="dialog">
    <h2 id="confirm-title"></h2>
    <p id="confirm-text"></p>
    <div class="row"><button value="yes" class="danger" id="confirm-yes"></button><button value="">Cancel</button></div>
  </form>
</dialog>
`;

export const PAGES: string = `${TOPICS}${CLIENTS}${TRAFFIC}${CALLBACKS}${TOKEN}${CONFIRM}`;
