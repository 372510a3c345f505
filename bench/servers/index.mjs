// The servers that the benchmarks compare: the command that starts each one, and the requests of its clients and
// publishers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";
import { TOOLS } from "../build.mjs";
import { otherServers } from "./others.mjs";
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

/** Answers the requests of publishers and delivers nothing. Its cost is the part of Hono and Node in a publish. */
export const BARE_HONO = {
  name: "bare-hono",
  title: "Hono alone",
  command: node("bare-hono.mjs"),
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

export const WORKERD = {
  name: "pocketwire-workerd",
  title: "Pocketwire in workerd",
  command: [process.execPath, join(here, "pocketwire-workerd.mjs")],
  args: POCKETWIRE,
};

/** All servers, also those that are not installed: they have `missing`, which says how to install them. */
function allServers() {
  return [
    {
      name: "floor",
      title: "C++ epoll broadcaster, the floor",
      command: [join(TOOLS, "bcast"), String(PORT)],
      args: PLAIN,
    },
    POCKETWIRE_ON_NODE,
    {
      name: "pocketwire-bun",
      title: "**Pocketwire on Bun**",
      // A getter, because `bunPath` downloads Bun on first use.
      get command() {
        return [bunPath(), join(here, "pocketwire-bun.ts")];
      },
      args: [...POCKETWIRE, ...GC],
    },
    {
      name: "nchan",
      title: "Nchan in nginx",
      command: nchan(TOOLS),
      args: PLAIN,
      missing: existsSync(NCHAN_MODULE) ? undefined : "apt-get install nginx libnginx-mod-nchan",
    },
    { name: "raw-node", title: "node:http, `response.write`", ...plain("raw-node.mjs") },
    { name: "better-sse-node", title: "better-sse on node:http", ...slow("better-sse-node.mjs") },
    { name: "better-sse-hono", title: "better-sse on Hono", ...slow("better-sse-hono.mjs") },
    {
      name: "naive-hono",
      title: "Hono `streamSSE`, `writeSSE` for each client",
      ...slow("naive-hono.mjs"),
    },
    ...otherServers(TOOLS),
  ];
}

function plain(file) {
  return { command: node(file), args: [...PLAIN, ...GC] };
}

function slow(file) {
  return { ...plain(file), mostClients: SLOW_CLIENTS };
}

/**
 * Lists the installed servers, and prints which are left out and how to install them.
 *
 * @param only Names with commas between them: only these servers. `node` and `bun` stand for Pocketwire on Node and on Bun.
 * @throws Error if a name is unknown, or if its server is not installed.
 */
export function listServers(only) {
  const all = allServers();
  if (only !== undefined) return chooseServers(all, only);
  const missing = all.filter((server) => server.missing !== undefined);
  for (const { title, missing: how } of missing) {
    console.error(`left out: ${title} is not installed (${how})`);
  }
  return all.filter((server) => !missing.includes(server));
}

function chooseServers(all, only) {
  const wanted = only
    .split(",")
    .map((name) => (["node", "bun"].includes(name) ? `pocketwire-${name}` : name));
  for (const name of wanted) {
    const server = all.find((one) => one.name === name);
    if (server === undefined) {
      const known = all.map((one) => one.name).join(", ");
      throw new Error(`--only: no server is named "${name}". Use: ${known}.`);
    }
    if (server.missing === undefined) continue;
    throw new Error(`--only: "${name}" is not installed (${server.missing}).`);
  }
  return all.filter(({ name }) => wanted.includes(name));
}
