// Pocketwire in an app with its own users. The app tells Pocketwire which user sent a request, and what the user may
// read.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { createServer } from "pocketwire";
import { nodeRuntime } from "pocketwire/node";

const sessions = new Map();

const realtime = createServer({
  runtime: nodeRuntime,
  // A user may read the private messages of their own inbox. Only the app publishes.
  authenticate: (c) => {
    const user = sessions.get(getCookie(c, "session"));
    return user && { subject: user, subscribe: [`inbox/${user}`] };
  },
});

const app = new Hono();
app.post("/sign-in", async (c) => {
  const { user } = await c.req.json();
  const session = crypto.randomUUID();
  sessions.set(session, user);
  setCookie(c, "session", session, { httpOnly: true, sameSite: "Strict" });
  return c.body(null, 204);
});
app.post("/letters/:user", async (c) => {
  const from = sessions.get(getCookie(c, "session"));
  if (from === undefined) return c.json({ message: "Sign in first." }, 401);
  const { text } = await c.req.json();
  await realtime.publish({
    topic: `inbox/${c.req.param("user")}`,
    data: { from, text },
    private: true,
  });
  return c.body(null, 202);
});
app.get("/", (c) => c.html(PAGE));
app.route("/", realtime.app);

const PAGE = `<!doctype html><meta charset="utf-8"><title>Letters</title>
<form id="in"><label>You <input name="user" value="anna"></label> <button>Sign in</button></form>
<form id="letter"><label>To <input name="to" value="anna"></label> <label>Text <input name="text"></label> <button>Send</button></form>
<ol id="letters"></ol>
<script type="module">
const post = (path, body) => fetch(path, { method: "POST", body: JSON.stringify(body) });
const fields = (form) => Object.fromEntries(new FormData(form));
document.querySelector("#in").addEventListener("submit", async (event) => {
  event.preventDefault();
  await post("/sign-in", fields(event.target));
  new EventSource("/api/realtime?topic=inbox/*").addEventListener("inbox/*", ({ data }) => {
    const { from, text } = JSON.parse(data);
    document.querySelector("#letters").append(Object.assign(document.createElement("li"), { textContent: from + ": " + text }));
  });
});
document.querySelector("#letter").addEventListener("submit", (event) => {
  event.preventDefault();
  const { to, text } = fields(event.target);
  post("/letters/" + encodeURIComponent(to), { text });
});
</script>`;

const port = Number(process.env.PORT ?? 3000);
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () =>
  console.log(`http://127.0.0.1:${port}`),
);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    await realtime.close();
    server.close();
  });
}
