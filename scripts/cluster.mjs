// `npm run cluster` shows several processes as one service: three processes, one Redis, and a load balancer without sticky
// sessions. A process or Redis that is killed starts again after a second. Ctrl-C stops everything.
//
//   PORT       port of the load balancer (default 8090; 0 takes a free one)
//   PROCESSES  number of processes (default 3)
//   REDIS_URL  a running Redis. Default: the script starts a redis-server of its own
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onNpmEnd } from "./npm-parent.mjs";
import { RestartedProgram } from "./restarted-program.mjs";
import { startRoundRobinProxy } from "./round-robin-proxy.mjs";

const PROGRAM = fileURLToPath(new URL("../dist/node.js", import.meta.url));
const LISTENING = /"msg":"listening"/;
const LOADED = /Ready to accept connections/;

const programs = [];
let isStopping = false;

try {
  await main();
} catch (error) {
  console.error(error.message);
  await stop(1);
}

async function main() {
  const count = readNumber("PROCESSES", 3, 1);
  const port = readNumber("PORT", 8090, 0);
  process.on("SIGINT", () => void stop(0));
  process.on("SIGTERM", () => void stop(0));
  onNpmEnd(() => void stop(0));
  const redis = process.env.REDIS_URL ? undefined : await startRedis();
  const redisURL = process.env.REDIS_URL || redis.url;
  const services = [];
  for (let number = 1; number <= count; number += 1) {
    services.push(await startService(number, redisURL));
  }
  const proxy = await startRoundRobinProxy(
    services.map(({ url }) => url),
    port,
  ).catch((error) => {
    throw new Error(`The load balancer can't listen: ${error.message}. Set PORT to another port.`);
  });
  console.log(describe(proxy.url, services, redis));
}

function readNumber(name, defaultValue, min) {
  const value = Number(process.env[name] || defaultValue);
  if (Number.isInteger(value) && value >= min && value <= 65_535) return value;
  throw new Error(`${name} must be a whole number from ${min}; it was "${process.env[name]}".`);
}

/** Starts redis-server. It writes each command to its disk before it answers, so `kill -9` loses nothing. */
async function startRedis() {
  if (spawnSync("redis-server", ["--version"]).status !== 0) {
    throw new Error(`redis-server is not installed. Install it, or set REDIS_URL to a running Redis:
  apt-get install redis-server     (Debian, Ubuntu)
  brew install redis               (macOS)`);
  }
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-cluster-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const args = ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const program = new RestartedProgram({
    name: "Redis",
    start: () =>
      spawn("redis-server", [...args, "--appendonly", "yes", "--appendfsync", "always"], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    isReady: LOADED,
  });
  programs.push(program);
  await program.start();
  return Object.assign(program, { url: `redis://127.0.0.1:${port}` });
}

async function startService(number, redisURL) {
  const port = await freePort();
  const env = {
    ...process.env,
    ...{ HOST: "127.0.0.1", PORT: port, WORKERS: "", REDIS_URL: redisURL },
    // The console is off in production, and the admin key of .dev.vars is ignored there.
    ...{ NODE_ENV: "development", LOG_FORMAT: "json", LOG_LEVEL: "info" },
  };
  const program = new RestartedProgram({
    name: `process ${number}`,
    start: () => spawn(process.execPath, [PROGRAM], { env, stdio: ["ignore", "pipe", "pipe"] }),
    isReady: LISTENING,
    // The limit of open files suffices for a demonstration.
    isShown: /"level":"(?!info)(?!.*limit of open files)/,
  });
  programs.push(program);
  await program.start();
  return Object.assign(program, { url: `http://127.0.0.1:${port}` });
}

function describe(url, services, redis) {
  const rows = [
    ["console", `${url}/`, "each request goes to the next process"],
    ...services.map(({ name, url: own, pid }) => [name, own, `pid ${pid}`]),
    ...(redis === undefined ? [] : [["Redis", redis.url, `pid ${redis.pid}`]]),
  ];
  const table = rows.map(([name, own, note]) => `  ${name.padEnd(11)}${own.padEnd(26)}${note}`);
  const victims = [services[0], redis].filter((program) => program !== undefined);
  return `
${services.length} processes share messages and clients over Redis:

${table.join("\n")}

Open the console and subscribe to chat, or listen in another terminal:
  npx pocketwire listen chat --url ${url}
Publish to one of the processes:
  npx pocketwire publish chat '{"text":"hello"}' --url ${services.at(-1).url}
Kill a process or Redis. It starts again after a second, and the listeners miss nothing:
${victims.map(({ name, pid }) => `  kill -9 ${pid}     # ${name}`).join("\n")}
Ctrl-C stops everything.
`;
}

/** Stops the processes, then Redis, which they need until their end. A second call ends everything at once. */
async function stop(code) {
  if (isStopping) {
    for (const program of programs) program.kill("SIGKILL");
    process.exit(1);
  }
  isStopping = true;
  for (const program of programs) program.expectEnd();
  const [redis, services] = [
    programs.filter(({ name }) => name === "Redis"),
    programs.filter(({ name }) => name !== "Redis"),
  ];
  await Promise.all(services.map((program) => program.stop()));
  await Promise.all(redis.map((program) => program.stop()));
  process.exit(code);
}

/** Returns a free port, as text. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}
