/**
 * Starts redis-server, three processes of the service and a load balancer without sticky sessions, as one program with the settings
 * and the output of the service. The black-box suites run against it. Arguments: the command of one process.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRoundRobinProxy } from "../../scripts/round-robin-proxy.mjs";
import { freePort } from "./free-port.mjs";

const PROCESSES = 3;
const [program, ...args] = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), "pocketwire-cluster-"));
const redisPort = await freePort();
const redisArgs = ["--port", redisPort, "--bind", "127.0.0.1", "--dir", folder];
const redis = spawn("redis-server", [...redisArgs, "--save", "", "--appendonly", "no"], {
  stdio: "ignore",
});
process.on("exit", () => {
  redis.kill("SIGKILL");
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a process. Resolves with its URL when it listens. */
function startProcess() {
  const env = { ...process.env, PORT: "0", REDIS_URL: `redis://127.0.0.1:${redisPort}` };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return new Promise((resolve) => {
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const url = /"msg":"listening","url":"([^"]+)"/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
        else process.stdout.write(`${line}\n`);
      }
    });
    child.on("exit", (code) => {
      if (!isStopping) process.exit(code ?? 1);
    });
  });
}

let isStopping = false;
const children = [];
const urls = await Promise.all(Array.from({ length: PROCESSES }, startProcess));
const proxy = await startRoundRobinProxy(urls, Number(process.env.PORT ?? 0));
process.stdout.write(`${JSON.stringify({ msg: "listening", url: proxy.url })}\n`);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, async () => {
    isStopping = true;
    // The tests send the signal to the whole process group. A second one would end the processes at once.
    const ended = children.map((child) => new Promise((resolve) => child.on("exit", resolve)));
    const codes = await Promise.all(ended);
    process.exit(Math.max(...codes.map((code) => code ?? 1)));
  });
}
