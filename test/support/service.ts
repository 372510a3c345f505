import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { ADMIN_KEY } from "./api.ts";
import { eventually, within } from "./deadline.ts";
import type { RuntimeUnderTest } from "./runtimes.ts";
import { expectNoSecrets } from "./secrets.ts";

export { BUN, NODE, type RuntimeUnderTest, WORKERD } from "./runtimes.ts";

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
  const url = await eventually(
    () => {
      if (service.process.exitCode !== null) throw new Error(`It ended:\n${service.output()}`);
      return runtime.urlIn(service.output());
    },
    `${runtime.name} listens`,
    30_000,
  );
  return { ...service, url };
}

/** Starts the service without waiting: for starts that should fail. */
export function spawnService(
  runtime: RuntimeUnderTest,
  options: ServiceOptions = {},
): Omit<Service, "url"> {
  const settings = {
    PORT: "0",
    LOG_LEVEL: "debug",
    LOG_FORMAT: "json",
    REALTIME_ADMIN_KEY: ADMIN_KEY,
    // All clients of a test come from one address. Those about these limits set them.
    REALTIME_CONNECTS_PER_SECOND: "0",
    REALTIME_MAX_CLIENTS_PER_ADDRESS: "0",
    ...runtime.settings,
    ...options.env,
  };
  const [program, ...args] = runtime.command(settings);
  const child = spawn(program, args, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what it started ends with it.
    detached: true,
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
  running.add(child);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  return {
    process: child,
    logs,
    output: () => output,
    exited,
    stop: async (signal = "SIGTERM") => {
      signalGroup(child, signal);
      const code = await within(exited, 20_000, `${runtime.name} ends after ${signal}`);
      expectNoSecrets(output, runtime.name);
      return code;
    },
  };
}

/** Ends whatever a test that failed, or was ended, has left running. */
function endAll(): void {
  for (const child of running) signalGroup(child, "SIGKILL");
}
process.on("exit", endAll);
process.on("SIGTERM", endAll);

const running = new Set<ChildProcess>();

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}
