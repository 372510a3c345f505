// A host's app on Bun with the service mounted behind middleware. It prints its address.
import { bunRuntime } from "../../src/bun.ts";
import { mountBehindAll } from "./mounted.ts";

const app = mountBehindAll({ runtime: bunRuntime });
const bun = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => app.fetch(request, { server }),
});
console.log(JSON.stringify({ msg: "listening", url: String(bun.url).replace(/\/$/, "") }));
