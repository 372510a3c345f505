// The servers of bench/cluster.mjs: Pocketwire in memory and over Redis, and Nchan, with one process and with two. All of them
// may use all cores.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TOOLS } from "../build.mjs";
import { NCHAN_MODULE, nchan, PLAIN, POCKETWIRE } from "./index.mjs";
import { ADMIN_KEY, PORT } from "./settings.mjs";

const program = fileURLToPath(new URL("../../dist/node.js", import.meta.url));

/** Pocketwire as `npm start` runs it. All clients connect from one address, so the limits of an address are off. */
export function pocketwire(variables) {
  return {
    command: [process.execPath, program],
    args: POCKETWIRE,
    cores: "all",
    // With WORKERS, the line is printed when the last worker listens.
    isReady: /"msg":"listening"/,
    env: {
      ...{ HOST: "127.0.0.1", PORT: String(PORT), NODE_ENV: "production" },
      ...{ LOG_FORMAT: "json", LOG_LEVEL: "info", REALTIME_ADMIN_KEY: ADMIN_KEY },
      ...{ REALTIME_CONNECTS_PER_SECOND: "0", REALTIME_MAX_CLIENTS_PER_ADDRESS: "0" },
      ...{ REDIS_URL: "", WORKERS: "", ...variables },
    },
  };
}

/**
 * Lists the servers, and prints which are left out.
 *
 * @param redis A running Redis, of `startRedis`.
 */
export function listClusters(redis) {
  const overRedis = (workers, title) => ({
    ...{ name: `redis-${workers}`, title, storePids: redis.pid },
    ...pocketwire({ REDIS_URL: redis.url, WORKERS: String(workers) }),
  });
  const nginx = (workers, title) => ({
    ...{ name: `nchan-${workers}`, title, cores: "all" },
    ...{ command: nchan(TOOLS, workers), args: PLAIN },
  });
  const all = [
    { name: "memory-1", title: "**Pocketwire in memory, 1 process**", ...pocketwire() },
    overRedis(1, "**Pocketwire over Redis, 1 process**"),
    overRedis(2, "**Pocketwire over Redis, 2 processes**"),
  ];
  if (!existsSync(NCHAN_MODULE)) {
    console.error("left out: Nchan is not installed (apt-get install nginx libnginx-mod-nchan)");
    return all;
  }
  return [...all, nginx(1, "Nchan, 1 worker"), nginx(2, "Nchan, 2 workers")];
}
