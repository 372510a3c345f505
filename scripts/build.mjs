// `npm run build`: the package. esbuild bundles each entry, what they share goes into common chunks; tsc writes the types.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
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
