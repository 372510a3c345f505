// The servers that the benchmarks compare: the command that starts each one, and the requests of its clients and
// publishers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";
import { ADMIN_KEY, PORT } from "./settings.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const node = (file, ...rest) => [process.execPath, "--expose-gc", join(here, file), ...rest];
export const PLAIN = ["--path", "/events", "--publish-path", "/publish"];
export const POCKETWIRE = [
  ...["--path", "/api/realtime?topic=msg", "--publish-path", "/api/realtime/messages"],
  ...["--publish-header", "Content-Type: application/json"],
  ...["--publish-header", `Authorization: Bearer ${ADMIN_KEY}`],
  ...["--body", '{"topic":"msg","data":%D}'],
];
/** The most clients of a slow server. With more, slow servers would take most of the time of a run. */
const SLOW_CLIENTS = 1000;
const GC = ["--collect-path", "/gc"];
export const NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

export const POCKETWIRE_ON_NODE = {
  name: "pocketwire-node",
  title: "**Pocketwire on Node**",
  command: node("pocketwire-node.mjs"),
  args: [...POCKETWIRE, ...GC],
};

/** @param workers Number of worker processes. 1 runs nginx without a master process. */
export function nchan(folder, workers = 1) {
  const own = join(folder, `nchan-${workers}`);
  mkdirSync(own, { recursive: true });
  const one = readFileSync(join(here, "nchan.conf"), "utf8");
  // With `reuseport` the kernel spreads connections evenly over the workers.
  const several = one
    .replace("master_process off;", `worker_processes ${workers};\nuser root;`)
    .replace("backlog=4096", "backlog=4096 reuseport");
  const conf = workers === 1 ? one : several;
  const file = join(own, "nginx.conf");
  writeFileSync(file, conf.replaceAll("FOLDER", own).replaceAll("PORT", String(PORT)));
  return ["nginx", "-c", file];
}

/**
 * Lists the installed servers, and prints which are left out and how to install them.
 *
 * @param tools Folder of the built tools.
 * @param only `"workerd"` for Pocketwire in workerd instead.
 */
export function listServers(tools, only) {
  const all = [
    {
      name: "floor",
      title: "C++ epoll broadcaster, the floor",
      command: [join(tools, "bcast"), String(PORT)],
      args: PLAIN,
    },
    POCKETWIRE_ON_NODE,
    {
      name: "pocketwire-bun",
      title: "**Pocketwire on Bun**",
      command: [bunPath(), join(here, "pocketwire-bun.ts")],
      args: [...POCKETWIRE, ...GC],
    },
    {
      name: "nchan",
      title: "Nchan in nginx",
      command: nchan(tools),
      args: PLAIN,
      missing: existsSync(NCHAN_MODULE) ? undefined : "apt-get install nginx libnginx-mod-nchan",
    },
    {
      name: "raw-node",
      title: "node:http, `response.write`",
      command: node("raw-node.mjs"),
      args: [...PLAIN, ...GC],
    },
    {
      name: "better-sse-node",
      title: "better-sse on node:http",
      command: node("better-sse-node.mjs"),
      mostClients: SLOW_CLIENTS,
      args: [...PLAIN, ...GC],
    },
    {
      name: "better-sse-hono",
      title: "better-sse on Hono",
      command: node("better-sse-hono.mjs"),
      mostClients: SLOW_CLIENTS,
      args: [...PLAIN, ...GC],
    },
    {
      name: "naive-hono",
      title: "Hono `streamSSE`, `writeSSE` for each client",
      command: node("naive-hono.mjs"),
      mostClients: SLOW_CLIENTS,
      args: [...PLAIN, ...GC],
    },
  ];
  // Only bench/scale.mjs measures this one.
  if (only === "workerd") {
    const command = [process.execPath, join(here, "pocketwire-workerd.mjs")];
    return [
      { name: "pocketwire-workerd", title: "Pocketwire in workerd", command, args: POCKETWIRE },
    ];
  }
  for (const { title, missing } of all) {
    if (missing !== undefined) console.error(`left out: ${title} is not installed (${missing})`);
  }
  return all.filter(({ missing }) => missing === undefined);
}

/**
 * Returns the servers that a list of names selects. `node` and `bun` stand for Pocketwire on Node and on Bun.
 *
 * @param names Names with commas between them. Undefined selects all servers.
 * @throws Error if a name is not among the servers.
 */
export function chooseServers(servers, names) {
  if (names === undefined) return servers;
  const wanted = names
    .split(",")
    .map((name) => (["node", "bun"].includes(name) ? `pocketwire-${name}` : name));
  const known = servers.map(({ name }) => name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`--only: no server is named ${unknown.join(", ")}. Use: ${known.join(", ")}.`);
  }
  return servers.filter(({ name }) => wanted.includes(name));
}
