/** The header of the console: the state of the stream, the key, and the links to the pages. */
export const HEADER: string = `<header>
  <div class="bar">
    <h1>Pocketwire</h1>
    <div class="status" id="state" data-state="closed">
      <p role="status"><span class="dot" aria-hidden="true"></span><span id="state-text">Not connected</span></p>
      <p class="dim">client <code id="client-id">none</code></p>
    </div>
    <form id="key-form" autocomplete="off">
      <label for="key">Admin key or token</label>
      <input id="key" type="password" autocomplete="off" spellcheck="false" placeholder="none: you are a guest" aria-describedby="identity">
      <p id="identity" role="status">Guest</p>
    </form>
  </div>
  <div class="bar tabs">
    <nav aria-label="Console">
      <a href="#/live">Live</a>
      <a href="#/topics">Topics</a>
      <a href="#/clients">Clients</a>
      <a href="#/traffic">Traffic</a>
      <a href="#/callbacks">Callbacks</a>
      <a href="#/token">Token</a>
    </nav>
    <nav aria-label="Documentation" class="links"><a id="docs" href="#">HTTP API</a></nav>
  </div>
</header>
`;
