import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";

type Settings = Readonly<Record<string, string | undefined>>;

/** How to start the service on one runtime, and the reasons why some tests are left out there. */
export interface RuntimeUnderTest {
  readonly name: string;
  /** Program and arguments. Settings are in its environment as well. */
  readonly command: (settings: Settings) => readonly [program: string, ...args: string[]];
  /** Program and arguments that run a TypeScript file with `gc()`. Missing where a file can't be run by itself. */
  readonly script?: () => readonly [program: string, ...args: string[]];
  /** The address of the service, once its output contains it. */
  readonly urlIn: (output: string) => string | undefined;
  /** The runtime's settings for every test that does not override them. */
  readonly settings?: Settings;
  /** Why the runtime has no graceful stop. */
  readonly noStop?: string;
  /** Why the log survives a restart. */
  readonly keepsLog?: string;
  /** Why a response to an unfinished chunked upload may not arrive. */
  readonly ownUploads?: string;
  /** Why the service does not control the bytes of the response head. */
  readonly ownHead?: string;
  /** Why pings have no cursor. */
  readonly bareIds?: string;
  /** Why the service does not see the client's connection and address. */
  readonly isProxied?: string;
  /** Why limits are not reached when one process would reach them. */
  readonly perProcess?: string;
  /** Why no response arrives before the request's body is complete. */
  readonly lateAnswers?: string;
}

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const listening = (output: string) => /"msg":"listening","url":"([^"]+)"/.exec(output)?.[1];

export const NODE: RuntimeUnderTest = {
  name: "Node",
  command: () => [process.execPath, file("dist/node.js")],
  script: () => [process.execPath, "--expose-gc", "--import", "tsx"],
  urlIn: listening,
};

export const BUN: RuntimeUnderTest = {
  name: "Bun",
  command: () => [bunPath(), file("src/bun.ts")],
  script: () => [bunPath()],
  urlIn: listening,
};

/** A value in a file of variables. Double quotes can't contain a double quote, and backticks keep everything as it is. */
function quote(value: string): string {
  // wrangler replaces `$name` by a variable of its own.
  const text = value.replaceAll("$", "\\$");
  return text.includes('"') ? `\`${text}\`` : JSON.stringify(value);
}

/** `wrangler dev`: the real workerd, with new storage for each start, or with the storage in the folder WORKERD_STATE. */
export const WORKERD: RuntimeUnderTest = {
  name: "workerd",
  command: (settings) => {
    const folder = mkdtempSync(join(tmpdir(), "pocketwire-workerd-"));
    const own = /^(REALTIME_|LOG_)/;
    const lines = Object.entries(settings)
      .filter(([name, value]) => own.test(name) && value !== undefined)
      .map(([name, value = ""]) => `${name}=${quote(value)}\n`);
    // Replaces .dev.vars.
    writeFileSync(join(folder, "vars"), lines.join(""));
    return [
      process.execPath,
      file("node_modules/wrangler/bin/wrangler.js"),
      "dev",
      ...["--config", file("wrangler.toml"), "--env-file", join(folder, "vars")],
      ...["--persist-to", settings.WORKERD_STATE ?? join(folder, "state"), "--ip", "127.0.0.1"],
      ...["--port", settings.PORT ?? "0", "--inspector-port", "0"],
      "--show-interactive-dev-session=false",
    ];
  },
  urlIn: (output) => /Ready on (http:\/\/\S+)/.exec(output)?.[1],
  // `wrangler dev` reports a disconnected client to the Worker when the next write fails.
  settings: { REALTIME_PING_SECONDS: "0.3" },
  noStop: "a Worker is never stopped",
  bareIds: "the Worker can't read the hub's cursor without waking the hub",
  lateAnswers: "`wrangler dev` delays each response until it has the request's body",
  keepsLog: "a hub's log is SQLite, and survives",
  ownUploads:
    "wrangler dev's proxy may answer 503 itself when the Worker stops reading an upload in chunks",
  ownHead: "workerd, or Cloudflare's edge, frames the response",
};

/** Three processes on Node over one Redis, behind a load balancer that sends each request to the next process. */
export const CLUSTER: RuntimeUnderTest = {
  name: "three processes",
  command: () => [process.execPath, file("test/support/cluster-program.mjs"), ...NODE.command({})],
  urlIn: listening,
  perProcess: "limits and rates apply to each process",
  ownHead: "the load balancer frames the response",
  lateAnswers: "the load balancer does not forward an answer before the request's body is complete",
  isProxied: "the load balancer has the connection of the client",
  noStop: "the processes stop one by one, and have tests of their own",
};

/** The runtime of the Vitest project that runs this file: `vitest.config.ts` has one project for each runtime. */
export function runtimeUnderTest(): RuntimeUnderTest {
  const { RUNTIME: name = "" } = process.env;
  const runtime = { node: NODE, bun: BUN, workerd: WORKERD, cluster: CLUSTER }[name];
  if (runtime !== undefined) return runtime;
  throw new Error("Run this file in a project of a runtime: npx vitest run --project node FILE");
}
