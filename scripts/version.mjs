// npm runs this script in `npm version`: writes the version of package.json to src/realtime/version.ts, and adds the file to the
// commit of the version.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const file = `${root}src/realtime/version.ts`;
const { version } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const source = readFileSync(file, "utf8");
writeFileSync(file, source.replace(/VERSION = "[^"]*"/, `VERSION = "${version}"`));
process.exit(spawnSync("git", ["add", file], { cwd: root, stdio: "inherit" }).status ?? 1);
