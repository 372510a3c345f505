// Pocketwire as `npm start` runs it, with a way to collect garbage before memory is looked at.
import { startServer } from "../../dist/node.js";
import { POCKETWIRE } from "./settings.mjs";

const { app } = await startServer(POCKETWIRE);
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
