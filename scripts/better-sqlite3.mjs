// Installs `better-sqlite3` in .cache/, for the tests on a Node without `node:sqlite`. If there is no binary to download, npm
// compiles the package, and this takes a minute.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cachedPackage, folderOf } from "./cached-package.mjs";

const VERSION = "12.11.1";
const FILE = "node_modules/better-sqlite3/build/Release/better_sqlite3.node";

/** Returns a file from which `require("better-sqlite3")` works. Undefined if the package is not installed yet. */
export function betterSqlite3Base() {
  const home = folderOf("better-sqlite3", VERSION);
  return existsSync(`${home}${FILE}`) ? `${home}package.json` : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cachedPackage("better-sqlite3", VERSION, FILE);
}
