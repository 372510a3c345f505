// Runs Node 22 with the given arguments. Tests of `node:sqlite` need Node 22 if the machine's Node is older. The first run
// downloads the npm package `node` into .cache/.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { cachedPackage, folderOf } from "./cached-package.mjs";

const VERSION = "22.23.3";
const FILE = "node_modules/node/bin/node";

/** Returns the path of the Node 22 binary, whether it has been downloaded or not. */
export function node22Path() {
  return `${folderOf("node", VERSION)}${FILE}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cachedPackage("node", VERSION, FILE);
  const args = process.argv.length > 2 ? process.argv.slice(2) : ["--version"];
  const child = spawn(node22Path(), args, { stdio: "inherit" });
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
