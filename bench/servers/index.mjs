// The servers that are compared: how each is started, and how its clients and publishers ask.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";
import { ADMIN_KEY, PORT } from "./settings.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const node = (file, ...flags) => [process.execPath, "--expose-gc", ...flags, join(here, file)];
const PLAIN = ["--path", "/events", "--pub-path", "/publish"];
const POCKETWIRE = [
  ...["--path", "/api/realtime?topic=msg", "--pub-path", "/api/realtime/messages"],
  ...["--pub-hdr", "Content-Type: application/json"],
  ...["--pub-hdr", `Authorization: Bearer ${ADMIN_KEY}`],
  ...["--tmpl", '{"topic":"msg","data":%D}'],
];
const GC = ["--gc", "/gc"];
const NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

function nchan(folder) {
  const own = join(folder, "nchan");
  mkdirSync(own, { recursive: true });
  const conf = readFileSync(join(here, "nchan.conf"), "utf8");
  const file = join(own, "nginx.conf");
  writeFileSync(file, conf.replaceAll("FOLDER", own).replaceAll("PORT", String(PORT)));
  return ["nginx", "-c", file];
}

/** @param tools Where the built tools are. */
export function listServers(tools) {
  const all = [
    {
      name: "floor",
      title: "C++ epoll broadcaster, the floor",
      command: [join(tools, "bcast"), String(PORT), "batch"],
      args: PLAIN,
    },
    {
      name: "pocketwire-node",
      title: "**Pocketwire on Node**",
      command: node("pocketwire-node.mjs"),
      args: [...POCKETWIRE, ...GC],
    },
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
      args: [...PLAIN, ...GC],
    },
    {
      name: "better-sse-hono",
      title: "better-sse on Hono",
      command: node("better-sse-hono.mjs"),
      args: [...PLAIN, ...GC],
    },
    {
      name: "naive-hono",
      title: "Hono `streamSSE`, `writeSSE` for each client",
      command: node("naive-hono.mjs"),
      args: [...PLAIN, ...GC],
    },
  ];
  for (const { title, missing } of all) {
    if (missing !== undefined) console.error(`left out: ${title} (not installed: ${missing})`);
  }
  return all.filter(({ missing }) => missing === undefined);
}
