// `npm run release:dry` makes what a release consists of in release/, and tests it: the tarball, a software bill of materials in two
// formats, and SHA-256 checksums. It publishes nothing. With `--final`, for the commit of a release, the script also exits with 1
// if that commit is not ready, for example if the tag is missing or files are not committed.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkAgreement } from "./release/agreement.mjs";
import { checksumLines, sha256 } from "./release/checksums.mjs";
import { findUnpublishable } from "./release/contents.mjs";
import { differencesOfSecondPack, pack, readTarball } from "./release/pack.mjs";
import { writeBill } from "./release/sbom.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "release");
const isFinal = process.argv.includes("--final");

const { errors, unready } = checkAgreement(readFacts());
if (isFinal) errors.push(...unready);
else for (const text of unready) console.warn(`Not ready for a release: ${text}`);
stopIfAny(errors);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const tarball = pack(root, folder);
const files = readTarball(tarball);
const list = `${files.map(({ path }) => path).join("\n")}\n`;
stopIfAny(findUnpublishable(files, { "the folder of this build": root }));
console.log(`${basename(tarball)}: ${files.length} files, ${statSync(tarball).size} bytes`);
const counts = {};
for (const { path } of files) counts[kindOf(path)] = (counts[kindOf(path)] ?? 0) + 1;
for (const [kind, count] of Object.entries(counts)) console.log(`  ${kind}: ${count}`);

const differing = differencesOfSecondPack(root, tarball);
stopIfAny(differing.map((what) => `The tarball of a second build differs: ${what}`));
console.log(`sha256 ${sha256(tarball)}, the same in a second build in another folder`);

const name = tarball.replace(/\.tgz$/, "");
const made = [tarball, `${name}.cdx.json`, `${name}.spdx.json`, `${name}.files.txt`];
writeFileSync(made[1], writeBill(root, "cyclonedx"));
writeFileSync(made[2], writeBill(root, "spdx"));
writeFileSync(made[3], list);
writeFileSync(join(folder, "SHA256SUMS"), checksumLines(made));

const vitest = join(root, "node_modules/vitest/vitest.mjs");
const words = [vitest, "run", "--config", "vitest.release.config.ts"];
const env = { ...process.env, RELEASE_TARBALL: tarball };
const { status } = spawnSync(process.execPath, words, { cwd: root, env, stdio: "inherit" });
if (status === 0) console.log(`release/ is complete: ${made.map((file) => basename(file))}`);
process.exit(status ?? 1);

function readFacts() {
  const read = (file) => readFileSync(join(root, file), "utf8");
  const git = (...words) =>
    execFileSync("git", words, { cwd: root, encoding: "utf8" }).split("\n").filter(Boolean);
  const { version } = JSON.parse(read("package.json"));
  const lock = JSON.parse(read("package-lock.json"));
  return {
    version,
    lockVersions: [lock.version, lock.packages[""].version],
    sourceVersion: /VERSION = "([^"]*)"/.exec(read("src/realtime/version.ts"))?.[1],
    changelog: read("CHANGELOG.md"),
    tags: git("tag", "--points-at", "HEAD"),
    changed: git("status", "--porcelain"),
  };
}

/** Files of `dist/` are counted by their ending: `dist/**\/*.js`. */
function kindOf(path) {
  const [, ending] = /^dist\/.*?(\.d\.ts|\.js|\.txt)$/.exec(path) ?? [];
  return ending === undefined ? path : `dist/**/*${ending}`;
}

function stopIfAny(texts) {
  for (const text of texts) console.error(text);
  if (texts.length > 0) process.exit(1);
}
