// Pocketwire as `npm run start:bun` runs it, with a way to collect garbage before memory is looked at.
import { startServer } from "../../src/bun.ts";
import { ADMIN_KEY, PORT } from "./settings.mjs";

const { app } = await startServer({
  port: PORT,
  adminKey: ADMIN_KEY,
  connectsPerSecond: 0,
  maxClientsPerAddress: 0,
  direct: process.argv.includes("direct"),
});
app.post("/gc", (c) => {
  Bun.gc(true);
  return c.body(null, 204);
});
