/** A process with clients that are closed in each state. It ends by itself if they leave no timer and no socket. */
import { EventSource } from "eventsource";
import { connect } from "../../src/client.ts";

const [, , url = ""] = process.argv;
// A JWT that expires in an hour, which needs a timer. The service refuses its signature.
const claims = Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + 3600 })).toString("base64url");

const realtime = connect(url, { EventSource });
const statuses: string[] = [];
realtime.on("status", (status) => {
  statuses.push(status);
  if (status !== "connected") return;
  realtime.close();
  // While it connects, after an error, while it waits to connect again, and without a stream.
  const connecting = connect(url, { EventSource });
  connecting.subscribe("a", () => {});
  setTimeout(() => connecting.close());
  const refused = connect(url, { EventSource, token: () => `a.${claims}.c` });
  refused.subscribe("a", () => {});
  refused.on("error", () => setTimeout(() => refused.close(), 10));
  const nowhere = connect("http://127.0.0.1:1", { EventSource });
  nowhere.subscribe("a", () => {});
  setTimeout(() => nowhere.close(), 200);
  connect(url, { EventSource }).close();
});
realtime.subscribe("a", () => {});
process.on("exit", () => console.log(statuses.join(" ")));
