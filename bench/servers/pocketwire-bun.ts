// Pocketwire as `npm run start:bun` runs it, with a way to collect garbage before memory is looked at.
import { startServer } from "../../src/bun.ts";
import { POCKETWIRE } from "./settings.mjs";

const { app } = await startServer(POCKETWIRE);
app.post("/gc", (c) => {
  Bun.gc(true);
  return c.body(null, 204);
});
