// Starts a Redis of the benchmarks: on a free port of 127.0.0.1, in a folder of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printed } from "./measure.mjs";

/** Time in which Redis must answer a command. */
const ANSWER_TIMEOUT = 10_000;

/**
 * Starts redis-server with the settings that docs/deploy.md recommends. It ends with this process.
 *
 * @throws Error if redis-server is not installed or does not start.
 */
export async function startRedis() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-bench-"));
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const durable = ["--appendonly", "yes", "--appendfsync", "everysec"];
  const child = spawn("redis-server", [...args, ...durable], {
    stdio: ["ignore", "pipe", "inherit"],
    // A Ctrl-C in the terminal must not reach Redis before the measurement has ended.
    detached: true,
  });
  process.on("exit", () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const needed = "redis-server (apt-get install redis-server)";
  await printed(child, /Ready to accept connections/, needed);
  return {
    pid: child.pid,
    url: `redis://127.0.0.1:${port}`,
    flush: () => command(port, "FLUSHALL"),
    /** CPU time that Redis has used, in microseconds. */
    async cpu() {
      const info = await command(port, "INFO cpu");
      const seconds = (name) => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1]);
      return (seconds("used_cpu_sys") + seconds("used_cpu_user")) * 1e6;
    },
    /** Bytes that Redis has sent. */
    async sent() {
      const info = await command(port, "INFO stats");
      return Number(/^total_net_output_bytes:(\d+)/m.exec(info)?.[1]);
    },
  };
}

function command(port, words) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setTimeout(ANSWER_TIMEOUT, () => socket.destroy(new Error("Redis does not answer.")));
    socket.on("error", reject).on("close", () => resolve(text));
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    socket.write(`${words}\r\nQUIT\r\n`);
  });
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
