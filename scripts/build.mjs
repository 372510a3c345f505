// `npm run build` builds the package into dist/. esbuild bundles each entry and puts shared code into common chunks;
// tsc writes the type declarations. Two flags change when the script builds:
//
//   --if-needed  `npm start`, and before wrangler: builds only if dist/ is older than its sources.
//   --prepare    `npm install`, also of a git dependency: the same, and if esbuild is not installed, the script does
//                nothing and succeeds. Otherwise `npm ci --omit=dev` would fail.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Empty file that marks a complete build. Its modification time is the time of that build. */
const stamp = `${root}dist/.built`;
const isPrepare = process.argv.includes("--prepare");
const isStart = process.argv.includes("--if-needed");
if ((isPrepare || isStart) && isFresh()) process.exit(0);
const { build } = await import("esbuild").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  if (isPrepare) process.exit(0);
  // `npm prune --omit=dev` removes esbuild.
  if (isStart && existsSync(`${root}dist/node.js`)) {
    console.error(
      "esbuild is not installed. Starting the existing build in dist/, which may be older than its sources.",
    );
    process.exit(0);
  }
  console.error(
    "dist/ is missing and esbuild is not installed. Run `npm ci && npm run build`, then `npm prune --omit=dev`.",
  );
  process.exit(1);
});
// `wrangler dev` watches dist/assets/: it ends if the folder disappears, and restarts the Worker if a file is written.
for (const name of existsSync(`${root}dist`) ? readdirSync(`${root}dist`) : []) {
  if (name !== "assets") rmSync(`${root}dist/${name}`, { recursive: true });
}

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
  entryPoints: [
    "src/index.ts",
    "src/adapter.ts",
    "src/records.ts",
    "src/node.ts",
    "src/bun.ts",
    "src/cli.ts",
  ],
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  platform: "node",
});
// A separate build without shared chunks: a chunk could import a Node module, and Workers cannot load those.
await build({
  ...shared,
  entryPoints: ["src/cloudflare.ts"],
  platform: "neutral",
  external: ["cloudflare:workers"],
});
// For browsers, so without the chunks of the service either.
await build({
  ...shared,
  entryPoints: [
    "src/client.ts",
    "src/client/event-source.ts",
    "src/client/share/shared-worker.ts",
    "src/react.ts",
  ],
  splitting: true,
  // Beside the script of the SharedWorker, which a chunk loads by its relative address.
  chunkNames: "client/share/[name]-[hash]",
  platform: "neutral",
});
// Runs in Workers too, so without the chunks of the service.
await build({ ...shared, entryPoints: ["src/tracing.ts"], platform: "neutral" });
// Runs beside the model and in browsers, and imports nothing.
await build({ ...shared, entryPoints: ["src/ai.ts"], platform: "neutral" });
await writeAssets();
for (const project of ["tsconfig.build.json", "tsconfig.build-worker.json"]) {
  const { status } = spawnSync("npx", ["tsc", "-p", project], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
writeFileSync(stamp, "");

/** Writes the templates of the console and of the OpenAPI document to dist/assets/: see [assets] in wrangler.toml. */
async function writeAssets() {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: ["src/api/console/render.ts"],
    platform: "node",
    // A module in a data URL cannot import packages.
    packages: "bundle",
    minify: true,
    sourcemap: false,
    write: false,
  });
  const { TEMPLATES } = await import(
    `data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`
  );
  mkdirSync(`${root}dist/assets`, { recursive: true });
  for (const [name, template] of Object.entries(TEMPLATES)) {
    const file = `${root}dist/assets/pocketwire-${name}.txt`;
    if (!existsSync(file) || readFileSync(file, "utf8") !== template) writeFileSync(file, template);
  }
}

/**
 * Whether the last complete build is newer than all of its inputs. The folders count too: the modification time of a
 * folder changes when a file in it is removed.
 */
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
