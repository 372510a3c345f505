import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { ADMIN_KEY } from "./api.ts";
import { eventually, within } from "./deadline.ts";
import type { RuntimeUnderTest } from "./runtimes.ts";
import { expectNoSecrets } from "./secrets.ts";

export { BUN, NODE, type RuntimeUnderTest, WORKERD } from "./runtimes.ts";

/** The real entry, running as a separate process on a free port. */
export interface Service {
  readonly url: string;
  readonly process: ChildProcess;
  /** Lines of its standard output, parsed. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** The whole output. */
  output(): string;
  /** The exit code, once the process has exited. */
  readonly exited: Promise<number | null>;
  /** Sends a signal and waits for the exit. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ServiceOptions {
  /** Variables in addition to the tests' settings. Undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working directory, where the service looks for `.dev.vars`. Default: a folder without that file. */
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
    // All clients of a test have one address, so the limits of addresses are off. Tests of these limits set them.
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
    // A separate process group, so that child processes end with the service.
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

/** Kills services that a failed or interrupted test has left running. */
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
