// Pocketwire as `npm run start:bun` runs it, with a route that collects garbage before memory is measured.
import { startServer } from "../../src/bun.ts";
import { POCKETWIRE } from "./settings.mjs";

const { app } = await startServer(POCKETWIRE);
app.post("/gc", (c) => {
  Bun.gc(true);
  return c.body(null, 204);
});
