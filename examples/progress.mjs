// The progress of a long job. The page asks for the newest message first (`last=1`), so a page that opens or reconnects
// in the middle of the job shows the progress immediately.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createServer } from "pocketwire";
import { nodeRuntime } from "pocketwire/node";

const realtime = createServer({ runtime: nodeRuntime });
const STEPS = 20;
const PAUSE = Number(process.env.PAUSE ?? 250);

async function work(id) {
  for (let step = 1; step <= STEPS; step++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    await realtime.publish({
      topic: `jobs/${id}`,
      data: { step, of: STEPS, isDone: step === STEPS },
    });
  }
}

const app = new Hono();
app.get("/", (c) => c.html(PAGE));
app.post("/jobs", (c) => {
  const id = crypto.randomUUID();
  void work(id);
  return c.json({ id }, 202);
});
app.route("/", realtime.app);

const PAGE = `<!doctype html><meta charset="utf-8"><title>Progress</title>
<button>Start</button> <label>Job <progress max="1" value="0"></progress></label>
<script type="module">
const watch = (id) => {
  history.replaceState(null, "", "#" + id);
  const stream = new EventSource("/api/realtime?last=1&topic=jobs/" + id);
  stream.addEventListener("jobs/" + id, ({ data }) => {
    const { step, of, isDone } = JSON.parse(data);
    document.querySelector("progress").value = step / of;
    if (isDone) stream.close();
  });
};
if (location.hash !== "") watch(location.hash.slice(1));
document.querySelector("button").addEventListener("click", async () => {
  watch((await (await fetch("/jobs", { method: "POST" })).json()).id);
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
