import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../../scripts/bun.mjs";
import { ADMIN_KEY } from "../api.ts";
import { within } from "../deadline.ts";
import type { CollectionSettings } from "./record.ts";
import type { Outcome, Run, Step } from "./steps.ts";

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * A stand-in for PocketBase with the hooks of examples/pocketbase-bridge/, and with one database for all of its runs. PocketBase's
 * program is not available to the tests. The stand-in loads the hook files as PocketBase does, each handler as text in a
 * context of its own, on a real SQLite file and with the few calls of PocketBase that the hooks use. Another JavaScript
 * engine than PocketBase's runs them.
 */
export class PocketBaseStub {
  readonly #database = join(mkdtempSync(join(tmpdir(), "pocketbase-stub-")), "data.db");
  readonly #collections: readonly CollectionSettings[];
  readonly #env: Readonly<Record<string, string>>;

  constructor(
    collections: readonly CollectionSettings[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#collections = collections;
    this.#env = { REALTIME_ADMIN_KEY: ADMIN_KEY, ...env };
  }

  /** Starts the process, carries out the steps, and kills it, unless the last step stops it. */
  async run(steps: readonly Step[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const child = spawn(bunPath(), [path("run.ts")], {
      env: { PATH: process.env.PATH, ...this.#env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const run: Run = {
      hooks: path("../../../examples/pocketbase-bridge/pb_hooks"),
      database: this.#database,
      collections: this.#collections,
      steps,
    };
    child.stdin.end(JSON.stringify(run));
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    const exited = new Promise((resolve) => child.once("close", resolve));
    const code = await within(exited, 50_000, "the run of PocketBase ends");
    if (code !== 0) throw new Error(errors);
    return JSON.parse(output);
  }
}
