import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, within } from "./deadline.ts";
import { freePort } from "./free-port.mjs";

export { NO_REDIS } from "./no-redis.ts";

/** A redis-server of its own port and folder, which ends with the test. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Sends a command, as in redis-cli, on a connection of its own. */
  command(...args: string[]): Promise<string>;
  /** Ends the server at once. */
  kill(): Promise<void>;
  /** Starts the server again with the data that its folder has. */
  start(): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Copies the data folder. The result is a name for `restore`. */
  copy(): string;
  /** Replaces the data folder while the server is not running. */
  restore(copy: string): void;
  /** Ends the server and deletes its folder. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Whether the server writes each command to its disk before it answers. Default: nothing is written. */
  readonly isDurable?: boolean;
  /** Further arguments, such as `--replicaof`. */
  readonly args?: readonly string[];
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-redis-"));
  const data = join(folder, "data");
  const port = Number(await freePort());
  const durability = options.isDurable
    ? ["--appendonly", "yes", "--appendfsync", "always"]
    : ["--appendonly", "no"];
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  let copies = 0;
  const command = (...args: string[]) => sendCommand(port, args);
  const start = async () => {
    spawnSync("mkdir", ["-p", data]);
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", data, "--save", ""];
    const started = spawn("redis-server", [...args, ...durability, ...(options.args ?? [])], {
      stdio: "ignore",
    });
    child = started;
    exited = new Promise((resolve) => started.on("exit", resolve));
    const isReady = async () => (await command("PING").catch(() => "")).includes("PONG");
    await eventually(isReady, "redis-server answers", 20_000);
  };
  const kill = async () => {
    child?.kill("SIGCONT");
    child?.kill("SIGKILL");
    await within(exited, 10_000, "redis-server ends");
  };
  const endNow = () => void child?.kill("SIGKILL");
  process.on("exit", endNow);
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    command,
    kill,
    start,
    signal: (signal) => void child?.kill(signal),
    copy: () => {
      copies += 1;
      const name = join(folder, `copy-${copies}`);
      cpSync(data, name, { recursive: true });
      return name;
    },
    restore: (name) => {
      rmSync(data, { recursive: true, force: true });
      cpSync(name, data, { recursive: true });
    },
    stop: async () => {
      await kill();
      process.off("exit", endNow);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends one command and returns the answer as Redis writes it. */
function sendCommand(port: number, args: readonly string[]): Promise<string> {
  const request = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join("");
  const answer = new Promise<string>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket
      .setEncoding("utf8")
      .on("error", reject)
      .on("close", () => resolve(text));
    socket.on("data", (chunk) => {
      text += chunk;
    });
    // After QUIT, Redis answers and closes the connection.
    socket.write(`*${args.length}\r\n${request}*1\r\n$4\r\nQUIT\r\n`);
    socket.setTimeout(5000, () => socket.destroy(new Error("redis-server does not answer")));
  });
  return answer.then((text) => text.replace(/\+OK\r\n$/, ""));
}
