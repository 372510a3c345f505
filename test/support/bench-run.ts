// Runs `bench/run.mjs`.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Why the benchmark can't run here. Undefined if it can. */
export const NO_BENCH = missing();

function missing(): string | undefined {
  if (process.platform !== "linux") return "the benchmark needs Linux";
  if (availableParallelism() < 2) return "the benchmark needs two cores";
  const absent = ["g++", "taskset"].find((name) => spawnSync(name, ["--version"]).error);
  return absent && `the benchmark needs ${absent}`;
}

export interface BenchRun {
  readonly child: ChildProcess;
  /** Resolves when the run has ended. */
  readonly ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
  /** Resolves when the run has printed a text to its standard error. */
  printed(text: string): Promise<void>;
}

export function runBench(args: readonly string[], env: Record<string, string>): BenchRun {
  const child = spawn(process.execPath, ["bench/run.mjs", ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const check of waiting) check();
    });
  }
  const ended = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once("close", (status) => resolve({ status, ...output })),
  );
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const check = () => output.stderr.includes(text) && resolve();
      waiting.add(check);
      check();
      void ended.then(() => reject(new Error(`Ended without "${text}":\n${output.stderr}`)));
    });
  return { child, ended, printed };
}

/** The cells of the row of a table with `title` in its first cell. */
export function rowOf(markdown: string, title: string): string[] {
  const row = markdown.split("\n").find((line) => line.startsWith(`| ${title} |`));
  return row === undefined ? [] : row.slice(2, -2).split(" | ");
}
