import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The repository without its development dependencies, as `npm prune --omit=dev` leaves it. The service only prints a line. */
function prune(isBuilt: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-pruned-"));
  const { type, scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type, scripts }));
  cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
  // Hides an esbuild that a parent folder may have.
  mkdirSync(join(folder, "node_modules/esbuild"), { recursive: true });
  writeFileSync(join(folder, "node_modules/esbuild/package.json"), '{"main":"gone.js"}');
  if (isBuilt) {
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist/node.js"), 'console.log("it runs")');
  }
  return folder;
}

const start = (folder: string) =>
  spawnSync("npm", ["start"], { cwd: folder, encoding: "utf8", timeout: 30_000 });

it("npm start without development dependencies starts the existing build", () => {
  const { status, stdout } = start(prune(true));
  expect([status, stdout.includes("it runs")]).toEqual([0, true]);
});

it("npm start without development dependencies and without a build explains what to do", () => {
  const { status, stderr } = start(prune(false));
  expect(status).toBe(1);
  expect(stderr).toContain("Run `npm ci && npm run build`");
  expect(stderr).not.toMatch(/^ +at /m);
});
