import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { bunPath } from "../../scripts/bun.mjs";
import { downloadNode, type NodeMajor } from "../../scripts/node-versions.mjs";
import { ADMIN_KEY, readStats } from "../support/api.ts";
import { eventually, within } from "../support/deadline.ts";
import { installTarball } from "./installed.ts";

const node = (major: NodeMajor) =>
  process.versions.node.startsWith(`${major}.`) ? process.execPath : downloadNode(major);

const RUNTIMES = [
  { name: "Node 20", installer: "npm", program: () => node(20) },
  { name: "Node 22", installer: "npm", program: () => node(22) },
  { name: "Node 24", installer: "npm", program: () => node(24) },
  { name: "Bun", installer: "bun", program: bunPath },
] as const;

const folders = new Map<string, string>();

/** The project of an installer. What npm installs does not depend on the version of Node. */
function projectOf(installer: "npm" | "bun"): string {
  const folder = folders.get(installer) ?? installTarball(installer);
  folders.set(installer, folder);
  return folder;
}

describe.each(RUNTIMES)("the installed package on $name", ({ name, installer, program }) => {
  let folder: string;
  let path: string;
  const started: ChildProcess[] = [];
  beforeAll(() => {
    folder = projectOf(installer);
    path = program();
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
  });

  /** Runs a file of the project without the test's environment. */
  function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(path, words, {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    const errors = text(child.stderr);
    onTestFailed(async () => console.error(await errors));
    const exited = new Promise((resolve) => child.once("exit", resolve));
    return { child, exited, out: text(child.stdout) };
  }

  const printed = async (words: readonly string[]) =>
    JSON.parse(await within(run(words).out, 50_000, `${words} ends`));

  it("imports every export", async () => {
    const counts: Record<string, unknown> = await printed(["exports.mjs"]);
    const { exports } = JSON.parse(
      readFileSync(join(folder, "node_modules/pocketwire/package.json"), "utf8"),
    );
    expect(Object.keys(counts)).toHaveLength(Object.keys(exports).length - 1);
    const failed = Object.keys(counts).filter((key) => !Number(counts[key]));
    // Only workerd has the modules `cloudflare:…`, and only Bun the modules `bun:…`.
    const elsewhere = name === "Bun" ? [] : ["pocketwire/bun"];
    expect(failed).toEqual([...elsewhere, "pocketwire/cloudflare"]);
  });

  it("serves, publishes and receives with the command", async () => {
    const command = "node_modules/.bin/pocketwire";
    const env = { REALTIME_ADMIN_KEY: ADMIN_KEY, PORT: "0", LOG_FORMAT: "json" };
    const { child, exited } = run([command, "serve"], env);
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    const url = await eventually(
      () => /"msg":"listening","url":"([^"]+)"/.exec(output)?.[1],
      "the service listens",
    );
    const runtime = name.split(" ")[0]?.toLowerCase();
    expect(await readStats(url)).toMatchObject({ runtime });
    const at = { REALTIME_ADMIN_KEY: ADMIN_KEY, POCKETWIRE_URL: url };
    // With --last, the listener may subscribe before or after the message is published.
    const listening = run([command, "listen", "chat", "--last", "1", "--count", "1"], at);
    const publishing = run([command, "publish", "chat", '{"text":"hello"}'], at);
    expect(await within(publishing.exited, 20_000, "publish ends")).toBe(0);
    expect(await within(listening.out, 20_000, "listen ends")).toBe('chat\t{"text":"hello"}\n');
    child.kill("SIGTERM");
    expect(await within(exited, 20_000, "the service stops")).toBe(0);
  });

  it("mounts in a Hono app, and its clients receive each message once while connections are cut", async () => {
    const all = [1, 2, 3, 4, 5, 6];
    expect(await printed(["app.mjs"])).toEqual({ mine: "mine", client: all, resuming: all });
  });
});
