import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { NO_BENCH, rowOf, runBench } from "../support/bench-run.ts";
import { within } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";

const program = fileURLToPath(new URL("../support/bench-program.mjs", import.meta.url));
const NAMES = ["Mercure", "Centrifugo", "PocketBase"];
const NUMBERS = /^\d+\.\d\d \(/;

describe.skipIf(NO_BENCH !== undefined)(`npm run bench (${NO_BENCH ?? "two cores, g++"})`, () => {
  it("starts Mercure, Centrifugo and PocketBase, subscribes to them, and publishes to them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bench-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const record = join(folder, "commands");
    const port = await freePort();
    const programs = Object.fromEntries(
      NAMES.map((name) => [`BENCH_${name.toUpperCase()}`, program]),
    );
    const only = ["--only", NAMES.join(",").toLowerCase()];
    const { ended } = runBench([...only, "--quick", "--clients", "20", "--timeout", "20"], {
      ...programs,
      BENCH_PORT: port,
      BENCH_TEST_RECORD: record,
    });
    const { status, stdout, stderr } = await within(ended, 110_000, "the end of the run");

    expect(status, stderr).toBe(0);
    for (const name of NAMES) {
      const [, one, , many] = rowOf(stdout, name);
      expect([one, many], stdout).toEqual([
        expect.stringMatching(NUMBERS),
        expect.stringMatching(NUMBERS),
      ]);
    }
    const commands = readFileSync(record, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const tools = fileURLToPath(new URL("../../.cache/bench", import.meta.url));
    const data = ["--dir", `${tools}/pocketbase/pb_data`];
    expect(commands.slice(0, 4)).toEqual([
      ["run", "--config", `${tools}/mercure/Caddyfile`],
      [`--config=${tools}/centrifugo/config.json`],
      ["superuser", "upsert", "bench@example.com", expect.any(String), ...data],
      ["serve", "--http", `127.0.0.1:${port}`, ...data],
    ]);
  }, 120_000);
});
