import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { publish } from "./api.ts";
import { eventually, pause, within } from "./deadline.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/cluster.mjs", import.meta.url));

/** `npm run cluster`, running. */
export interface ClusterDemo {
  /** URL of the load balancer. */
  readonly url: string;
  /** URLs of the processes. */
  readonly processes: readonly string[];
  output(): string;
  /** Kills `process 1`, `process 2`, `process 3` or `Redis`, and waits until it runs again. */
  kill(name: string): Promise<void>;
  /** Sends a signal as a terminal does, and waits for the exit. @returns the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts the demo on a free port. */
export async function startClusterDemo(adminKey: string): Promise<ClusterDemo> {
  const child = spawn(process.execPath, [SCRIPT], {
    env: { PATH: process.env.PATH, PORT: "0", REALTIME_ADMIN_KEY: adminKey },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const signalAll = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  };
  const endNow = () => signalAll("SIGKILL");
  process.on("exit", endNow);
  await eventually(
    () => {
      if (child.exitCode !== null) throw new Error(`The demo ended:\n${output}`);
      return output.includes("Ctrl-C stops everything.");
    },
    "the demo runs",
    60_000,
  );
  const urlOf = (name: string) =>
    new RegExp(`^ {2}${name} +(\\S+?)/? +`, "m").exec(output)?.[1] ?? "";
  const pidsOf = (name: string) =>
    [
      ...output.matchAll(new RegExp(`^(?: {2}${name} .*|${name} runs again: )pid (\\d+)`, "gm")),
    ].map(([, pid]) => Number(pid));
  return {
    url: urlOf("console"),
    processes: [1, 2, 3].map((number) => urlOf(`process ${number}`)),
    output: () => output,
    kill: async (name) => {
      const pids = pidsOf(name);
      process.kill(pids.at(-1) ?? 0, "SIGKILL");
      await eventually(() => pidsOf(name).length > pids.length, `${name} runs again`, 60_000);
    },
    stop: async (signal = "SIGINT") => {
      signalAll(signal);
      const code = await within(exited, 30_000, "the demo ends");
      process.off("exit", endNow);
      return code;
    },
  };
}

/**
 * Publishes 1, 2, 3 and so on to a topic, to each process in turn. A message that is not acknowledged is sent again with the same
 * id, until a process acknowledges it. `stop` returns the number of messages.
 */
export function publishInTurn(urls: readonly string[], topic: string) {
  let isStopping = false;
  let turn = 0;
  let acknowledged = 0;
  const send = async (n: number): Promise<void> => {
    for (;;) {
      const url = urls[turn % urls.length] ?? "";
      turn += 1;
      const message = { topic, data: n, id: `${topic}-${n}` };
      const answer = await publish(url, message).catch(() => undefined);
      if (answer?.status === 200) {
        acknowledged = n;
        return;
      }
      await pause(20);
    }
  };
  const run = async () => {
    for (let n = 1; !isStopping; n++) {
      await send(n);
      await pause(5);
    }
  };
  const running = run();
  return {
    count: () => acknowledged,
    stop: async (): Promise<number> => {
      isStopping = true;
      await running;
      return acknowledged;
    },
  };
}
