// Bundles the Worker as `wrangler deploy` does, without deploying, and prints the size of the bundle after gzip. Exits
// with 1 if the bundle exceeds the limit. The limit catches an import that makes the bundle large by accident, since a
// Worker with a large bundle starts slowly.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_KIB = 100;

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pocketwire-bundle-"));
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/wrangler/bin/wrangler.js"),
    "deploy",
    "--dry-run",
    "--minify",
    "--outdir",
    folder,
  ],
  { cwd: root, stdio: ["ignore", 2, 2] },
);
if (status !== 0) process.exit(1);
const bundles = readdirSync(folder).filter((name) => name.endsWith(".js"));
const bytes = bundles.map((name) => gzipSync(readFileSync(join(folder, name))).length);
rmSync(folder, { recursive: true });
const kib = bytes.reduce((sum, size) => sum + size, 0) / 1024;
console.log(
  `The Worker's bundle has ${kib.toFixed(1)} KiB after gzip. The limit is ${LIMIT_KIB} KiB.`,
);
process.exit(bytes.length > 0 && kib <= LIMIT_KIB ? 0 : 1);
