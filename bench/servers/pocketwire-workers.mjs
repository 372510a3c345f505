// Pocketwire over Redis, as `npm start` runs it with WORKERS and REDIS_URL. The environment sets both.
import { POCKETWIRE, PORT } from "./settings.mjs";

Object.assign(process.env, {
  PORT: String(PORT),
  NODE_ENV: "production",
  LOG_LEVEL: "error",
  REALTIME_ADMIN_KEY: POCKETWIRE.adminKey,
  REALTIME_CONNECTS_PER_SECOND: "0",
  REALTIME_MAX_CLIENTS_PER_ADDRESS: "0",
});
process.argv.splice(2, Number.POSITIVE_INFINITY, "serve");
const { run } = await import("../../dist/cli.js");
await run(["serve"]);
