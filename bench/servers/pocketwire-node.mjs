// Pocketwire as `npm start` runs it, with a route that collects garbage before memory is measured.
import { startServer } from "../../dist/node.js";
import { POCKETWIRE } from "./settings.mjs";

const { app } = await startServer(POCKETWIRE);
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
