import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { eventually, pause } from "../support/deadline.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pocketwire-npm-"));
const node = `node ${file("dist/node.js")}`;
const bun = `node ${file("scripts/bun.mjs")} ${file("src/bun.ts")}`;
const scripts = {
  front: node,
  chained: `true && ${node} 2>&1`,
  serve: `node ${file("dist/cli.js")} serve`,
  "front-bun": bun,
  // Each script waits until the service has read its parent's process id, and exits.
  back: `${node} & sleep 2`,
  "back-bun": `${bun} & sleep 2`,
  nested: "./up.sh",
};
writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, scripts }));
writeFileSync(join(folder, "up.sh"), `#!/bin/sh\n${node} &\nsleep 2\n`, { mode: 0o755 });

const groups: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of groups.splice(0)) {
    try {
      process.kill(-(pid ?? 0), "SIGKILL");
    } catch {
      // The process has exited.
    }
  }
});

function run(script: string, port: number) {
  const env = { ...process.env, PORT: String(port), REALTIME_ADMIN_KEY: "the-key-of-this-test" };
  const child = spawn("npm", ["run", script], { cwd: folder, env, detached: true });
  groups.push(child);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/api/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  return { child, exited, isUp, output: () => output };
}

describe("a service that npm runs", () => {
  it.each([
    ["front", 18471],
    ["chained", 18472],
    ["serve", 18473],
    ["front-bun", 18474],
  ])("%s: stops gracefully when only npm gets the signal", async (script, port) => {
    const { child, isUp, output } = run(script, port);
    await eventually(isUp, "the service listens", 30_000);
    child.kill("SIGTERM");
    await eventually(() => output().includes('"msg":"stopped"'), "the service stops");
    await eventually(async () => !(await isUp()), "the service has exited");
  });

  it.each([
    ["back", 18475],
    ["back-bun", 18476],
    ["nested", 18477],
  ])(
    "%s: keeps running when a script starts it in the background and exits",
    async (script, port) => {
      const { exited, isUp, output } = run(script, port);
      await eventually(isUp, "the service listens", 30_000);
      await exited;
      // No event shows that the service stays. It checks its parent every 250 ms.
      await pause(1000);
      expect(output()).not.toContain('"msg":"stopping"');
      expect(await isUp()).toBe(true);
    },
  );
});
