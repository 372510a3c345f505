/** Services that report what can be measured only inside their process. */
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { eventually } from "./deadline.ts";
import { BUN, NODE, type RuntimeUnderTest, type Service } from "./service.ts";

const inside = fileURLToPath(new URL("inside.ts", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** What a process reports. */
export interface InsideReport {
  /** Bytes of the heap after garbage collection. */
  readonly heap: number;
  /** Timers, sockets and other handles that keep a process running, while it has no requests. */
  readonly handles: number;
  /** The longest block of the event loop since the last report, in milliseconds of CPU time. */
  readonly block: number;
  /** The 99th percentile of the event loop's delay since the last report, in milliseconds. */
  readonly delay: number;
}

/** A runtime with a process that reports its memory and blocks (`inside.ts`). */
const MEASURED_BUN: RuntimeUnderTest = {
  ...BUN,
  command: (settings) => {
    const [program, ...args] = BUN.command(settings);
    return [program, "--preload", inside, ...args];
  },
};

/** With a small heap for a server. */
const MEASURED_NODE: RuntimeUnderTest = {
  ...NODE,
  name: "Node with a heap of 512 MB",
  command: (settings) => {
    const [program, ...args] = NODE.command(settings);
    const loaded = ["--import", tsx, "--import", pathToFileURL(inside).href];
    return [program, "--max-old-space-size=512", "--expose-gc", ...loaded, ...args];
  },
};

/** The runtime with the measuring loaded. */
export function measured(runtime: RuntimeUnderTest): RuntimeUnderTest {
  return runtime === BUN ? MEASURED_BUN : MEASURED_NODE;
}

/** Asks for a report. It takes more than a second, because the garbage is collected several times. */
export async function lookInside(service: Service): Promise<InsideReport> {
  const lines = () => [...service.output().matchAll(/^inside (.*)$/gm)];
  const count = lines().length;
  service.process.kill("SIGUSR2");
  const [, line = ""] = await eventually(
    () => lines()[count],
    "the process prints its report",
    20_000,
  );
  return JSON.parse(line);
}
