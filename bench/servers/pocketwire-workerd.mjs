// Pocketwire in workerd without the proxy of `wrangler dev`, which would be measured too.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { ADMIN_KEY, PORT } from "./settings.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = fileURLToPath(new URL("../../.cache/bench/worker", import.meta.url));
execFileSync(
  process.execPath,
  [
    ...["node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--outdir", folder],
    // bench/hub-share.mjs finds the source file of a function by the comments of an unminified bundle.
    ...(process.env.BENCH_INSPECTOR ? ["--minify=false"] : []),
  ],
  {
    cwd: root,
    stdio: "ignore",
  },
);
await new Miniflare({
  modules: [
    { type: "ESModule", path: "worker.js", contents: readFileSync(`${folder}/worker.js`, "utf8") },
  ],
  compatibilityDate: /^compatibility_date = "(.*)"/m.exec(
    readFileSync(`${root}wrangler.toml`, "utf8"),
  )[1],
  compatibilityFlags: ["enable_request_signal"],
  durableObjects: { REALTIME_HUB: { className: "RealtimeHub", useSQLite: true } },
  bindings: {
    REALTIME_ADMIN_KEY: ADMIN_KEY,
    REALTIME_CONSOLE: "false",
    REALTIME_CONNECTS_PER_SECOND: "0",
    REALTIME_MAX_CLIENTS_PER_ADDRESS: "0",
    ...JSON.parse(process.env.BENCH_BINDINGS ?? "{}"),
  },
  host: "127.0.0.1",
  port: PORT,
  ...(process.env.BENCH_INSPECTOR && { inspectorPort: Number(process.env.BENCH_INSPECTOR) }),
}).ready;
