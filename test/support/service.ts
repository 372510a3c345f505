import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";
import { ADMIN_KEY } from "./api.ts";
import { eventually, within } from "./deadline.ts";

/** The real entry, running as its own process on a free port. */
export interface Service {
  readonly url: string;
  readonly process: ChildProcess;
  /** Lines of its standard output, parsed. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** Everything it printed. */
  output(): string;
  /** Its exit code, once it is gone. */
  readonly exited: Promise<number | null>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** How to start the service on one runtime. */
export interface RuntimeUnderTest {
  readonly name: string;
  readonly command: () => readonly [program: string, ...args: string[]];
}

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const NODE: RuntimeUnderTest = {
  name: "Node",
  command: () => [process.execPath, file("dist/node.js")],
};

export const BUN: RuntimeUnderTest = {
  name: "Bun",
  command: () => [bunPath(), file("src/bun.ts")],
};

export interface ServiceOptions {
  /** Variables on top of a test's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where it runs: `.dev.vars` is looked for there. Default: a folder without one. */
  readonly cwd?: string;
}

/** Starts the service and waits until it listens. */
export async function startService(
  runtime: RuntimeUnderTest,
  options: ServiceOptions = {},
): Promise<Service> {
  const service = spawnService(runtime, options);
  const url = await eventually(() => {
    if (service.process.exitCode !== null) throw new Error(`It ended:\n${service.output()}`);
    return service.logs.find(({ msg }) => msg === "listening")?.url as string | undefined;
  }, `${runtime.name} listens`);
  return { ...service, url };
}

/** Starts the service without waiting: for starts that should fail. */
export function spawnService(
  runtime: RuntimeUnderTest,
  options: ServiceOptions = {},
): Omit<Service, "url"> {
  const [program, ...args] = runtime.command();
  const child = spawn(program, args, {
    cwd: options.cwd ?? tmpdir(),
    env: {
      PATH: process.env.PATH,
      PORT: "0",
      LOG_LEVEL: "debug",
      LOG_FORMAT: "json",
      REALTIME_ADMIN_KEY: ADMIN_KEY,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logs: Record<string, unknown>[] = [];
  let output = "";
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) logs.push(JSON.parse(line));
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code));
  });
  return {
    process: child,
    logs,
    output: () => output,
    exited,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return within(exited, 20_000, `${runtime.name} ends after ${signal}`);
    },
  };
}
