// Versions of Node beside the machine's own. The npm package `node` contains the binary, and is downloaded into .cache/.
import { cachedPackage, folderOf } from "./cached-package.mjs";

const VERSIONS = { 20: "20.20.2", 22: "22.23.3", 24: "24.21.0" };
const FILE = "node_modules/node/bin/node";

/** Returns the path of the binary of a major version, whether it has been downloaded or not. */
export function nodePath(major) {
  return `${folderOf("node", VERSIONS[major])}${FILE}`;
}

/** Downloads the binary of a major version if it is missing, and returns its path. */
export function downloadNode(major) {
  return `${cachedPackage("node", VERSIONS[major], FILE)}${FILE}`;
}
