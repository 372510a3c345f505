// Pocketwire as `npm start` runs it, with a way to collect garbage before memory is looked at.
import { startServer } from "../../dist/node.js";
import { ADMIN_KEY, PORT } from "./settings.mjs";

const { app } = await startServer({
  port: PORT,
  adminKey: ADMIN_KEY,
  connectsPerSecond: 0,
  maxClientsPerAddress: 0,
  direct: process.argv.includes("direct"),
});
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
