// Runs Node 22 with the given arguments. Tests of `node:sqlite` need Node 22 if the machine's Node is older. The first run
// downloads the npm package `node` into .cache/.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { downloadNode, nodePath } from "./node-versions.mjs";

/** Returns the path of the Node 22 binary, whether it has been downloaded or not. */
export function node22Path() {
  return nodePath(22);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.length > 2 ? process.argv.slice(2) : ["--version"];
  const child = spawn(downloadNode(22), args, { stdio: "inherit" });
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
