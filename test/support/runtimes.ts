import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";

type Settings = Readonly<Record<string, string | undefined>>;

/** How to start the service on one runtime, and what that runtime can't do, each with the reason. */
export interface RuntimeUnderTest {
  readonly name: string;
  /** Program and arguments. Settings are in its environment as well. */
  readonly command: (settings: Settings) => readonly [program: string, ...args: string[]];
  /** Program and arguments that run a TypeScript file with `gc()`. Missing where a file can't be run by itself. */
  readonly script?: () => readonly [program: string, ...args: string[]];
  /** Where it listens, once it has said so. */
  readonly urlIn: (output: string) => string | undefined;
  /** Settings of its own for every test that does not say otherwise. */
  readonly settings?: Settings;
  /** Why it has no graceful stop. */
  readonly noStop?: string;
  /** Why its log is there again after a restart. */
  readonly keepsLog?: string;
  /** Why an answer to chunks that are still on their way may not arrive. */
  readonly ownUploads?: string;
  /** Why the bytes of its response head are not ours. */
  readonly ownHead?: string;
  /** Why its pings don't say how far the log has come. */
  readonly bareIds?: string;
  /** Why no answer comes before the request's body is there. */
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

/** `wrangler dev`: the real workerd, with storage of its own for each start, or in the folder WORKERD_STATE. */
export const WORKERD: RuntimeUnderTest = {
  name: "workerd",
  command: (settings) => {
    const folder = mkdtempSync(join(tmpdir(), "pocketwire-workerd-"));
    const own = /^(REALTIME_|LOG_)/;
    const lines = Object.entries(settings)
      .filter(([name, value]) => own.test(name) && value !== undefined)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`);
    // Takes the place of .dev.vars.
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
  // `wrangler dev` tells the Worker that a client has gone when the next write to it fails.
  settings: { REALTIME_PING_SECONDS: "0.3" },
  noStop: "a Worker is never stopped",
  bareIds: "where the stream is, nobody knows how far the hub has come without waking it",
  lateAnswers: "`wrangler dev` holds each answer back until it has the request's body",
  keepsLog: "a hub's log is SQLite, and survives",
  ownUploads:
    "wrangler dev's proxy may answer 503 itself when the Worker stops reading an upload in chunks",
  ownHead: "workerd, or Cloudflare's edge, frames the response",
};

/** The runtime of the Vitest project that runs this file: `vitest.config.ts` has one project for each runtime. */
export function runtimeUnderTest(): RuntimeUnderTest {
  const { RUNTIME: name = "" } = process.env;
  const runtime = { node: NODE, bun: BUN, workerd: WORKERD }[name];
  if (runtime !== undefined) return runtime;
  throw new Error("Run this file in a project of a runtime: npx vitest run --project node FILE");
}
