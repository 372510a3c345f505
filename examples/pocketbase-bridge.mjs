// Passes PocketBase's record events on to a Pocketwire: the app keeps its PocketBase, and its realtime clients move.
//
//   POCKETBASE_URL=http://127.0.0.1:8091 POCKETBASE_TOKEN=… COLLECTIONS=posts,comments \
//   POCKETWIRE_URL=http://127.0.0.1:8090 REALTIME_ADMIN_KEY=… node examples/pocketbase-bridge.mjs
//
// The token is a superuser's (PocketBase sends a record only to whoever may see it). PRIVATE=true keeps the events from
// those without a right to the collection. PocketBase has no resume: what happens while the bridge is away is missed.
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";

globalThis.EventSource ??= EventSource;
const {
  POCKETBASE_URL,
  POCKETBASE_TOKEN,
  COLLECTIONS = "",
  POCKETWIRE_URL,
  REALTIME_ADMIN_KEY,
  PRIVATE,
} = process.env;
const needed = { POCKETBASE_URL, COLLECTIONS, POCKETWIRE_URL, REALTIME_ADMIN_KEY };
const missing = Object.keys(needed).filter((name) => !needed[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")}; the first lines of this file show an example.`);
  process.exit(1);
}
const pocketbase = new PocketBase(POCKETBASE_URL);
if (POCKETBASE_TOKEN) pocketbase.authStore.save(POCKETBASE_TOKEN);

/** Publishes until it is taken: in order, and once, since the id stays the same. */
async function pass(message) {
  for (let wait = 100; ; wait = Math.min(wait * 2, 5000)) {
    const answer = await fetch(`${POCKETWIRE_URL}/api/realtime/messages`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${REALTIME_ADMIN_KEY}`,
      },
      body: JSON.stringify(message),
    }).catch((error) => ({ ok: false, status: 0, text: () => String(error) }));
    if (answer.ok) return;
    console.error("not taken", answer.status, await answer.text());
    // What is refused for what it is would be refused again.
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

let passing = Promise.resolve();
for (const collection of COLLECTIONS.split(",").filter(Boolean)) {
  await pocketbase.collection(collection).subscribe("*", ({ action, record }) => {
    const message = {
      id: crypto.randomUUID(),
      collection,
      action,
      record,
      private: PRIVATE === "true",
    };
    passing = passing.then(() => pass(message));
  });
}
console.log(`passing on ${COLLECTIONS}`);
