// Listens to PocketBase's record events, and sends them to Pocketwire. README.md compares this program with the hooks.
//
//   POCKETBASE_URL=http://127.0.0.1:8091 POCKETBASE_TOKEN=… COLLECTIONS=posts,comments \
//   POCKETWIRE_URL=http://127.0.0.1:8090 REALTIME_ADMIN_KEY=… node examples/pocketbase-bridge/listen.mjs
//
// Use the token of a superuser, because PocketBase sends a record only to users who may read it. With PRIVATE=true only
// users with a right to the collection receive the events. PocketBase cannot resume a stream, so events that happen
// while the bridge is disconnected are lost.
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
  console.error(`Set ${missing.join(", ")}. The first lines of this file show an example.`);
  process.exit(1);
}
const pocketbase = new PocketBase(POCKETBASE_URL);
if (POCKETBASE_TOKEN) pocketbase.authStore.save(POCKETBASE_TOKEN);

/**
 * Publishes a message and retries until Pocketwire accepts it. The message keeps its id, so a retry does not deliver it
 * twice.
 */
async function forward(message) {
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
    console.error(`Pocketwire answered ${answer.status}: ${await answer.text()}`);
    // Pocketwire would refuse the same message again, so a retry cannot help.
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Forwards one message after another, which keeps their order. */
let forwarding = Promise.resolve();
for (const collection of COLLECTIONS.split(",").filter(Boolean)) {
  await pocketbase.collection(collection).subscribe("*", ({ action, record }) => {
    const message = {
      id: crypto.randomUUID(),
      collection,
      action,
      record,
      private: PRIVATE === "true",
    };
    forwarding = forwarding.then(() => forward(message));
  });
}
console.log(`passing on ${COLLECTIONS}`);
