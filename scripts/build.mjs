// `npm run build`: the package. esbuild bundles each entry, what they share goes into common chunks; tsc writes the types.
// With --if-needed (npm start) nothing happens when dist is newer than its sources. With --prepare (npm install, also of a
// git dependency) it is the same, and without esbuild nothing is built: `npm ci --omit=dev` must not fail.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Written when a build is complete. */
const stamp = `${root}dist/.built`;
const isPrepare = process.argv.includes("--prepare");
const isStart = process.argv.includes("--if-needed");
if ((isPrepare || isStart) && isFresh()) process.exit(0);
const { build } = await import("esbuild").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  if (isPrepare) process.exit(0);
  // `npm prune --omit=dev` removes esbuild.
  if (isStart && existsSync(`${root}dist/node.js`)) {
    console.error("esbuild is not installed, so the existing build in dist/ is started as it is.");
    process.exit(0);
  }
  console.error(
    "dist/ is missing and esbuild is not installed. Run `npm ci && npm run build`, then `npm prune --omit=dev`.",
  );
  process.exit(1);
});
rmSync(`${root}dist`, { recursive: true, force: true });

const shared = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  packages: "external",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
};
await build({
  ...shared,
  entryPoints: ["src/index.ts", "src/node.ts", "src/bun.ts", "src/cli.ts"],
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  platform: "node",
});
// By itself: nothing that a Worker can't carry may be reachable from it.
await build({
  ...shared,
  entryPoints: ["src/cloudflare.ts"],
  platform: "neutral",
  external: ["cloudflare:workers"],
});
for (const project of ["tsconfig.build.json", "tsconfig.build-worker.json"]) {
  const { status } = spawnSync("npx", ["tsc", "-p", project], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
writeFileSync(stamp, "");

/** Whether the last complete build is newer than everything that it was made of. A folder's time tells of removed files. */
function isFresh() {
  if (!existsSync(stamp)) return false;
  const inputs = readdirSync(root).filter((name) => /^(tsconfig.*|package)\.json$/.test(name));
  const sources = ["src", "scripts"].flatMap((folder) => [
    folder,
    ...readdirSync(`${root}${folder}`, { recursive: true }).map((name) => `${folder}/${name}`),
  ]);
  const built = statSync(stamp).mtimeMs;
  return [...inputs, ...sources].every((name) => statSync(`${root}${name}`).mtimeMs < built);
}
