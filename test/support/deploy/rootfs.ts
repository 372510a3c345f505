/** Folders that become the file system of a container (container.sh). */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { bunPath } from "../../../scripts/bun.mjs";
import { node22Path } from "../../../scripts/node22.mjs";

/** Folders of the machine that are mounted, and therefore not part of an image. */
export const MOUNTED: readonly string[] = ["usr", "etc", "dev", "proc"];
const LINKS = ["bin", "sbin", "lib", "lib32", "lib64"];

/** Why no container can be started here. Undefined if one can. */
export const NO_CONTAINERS: string | undefined = findObstacle();

function findObstacle(): string | undefined {
  if (process.platform !== "linux") return "it needs Linux";
  if (process.getuid?.() !== 0) return "it needs root, for namespaces and mounts";
  if (!lstatSync("/bin").isSymbolicLink()) return "/bin is not a link to /usr/bin";
  const missing = ["redis-server", "caddy", "ip"].find((name) => findProgram(name) === "");
  if (missing !== undefined) {
    return `${missing} is not installed (apt-get install redis-server caddy iproute2)`;
  }
  const bridge = `pwprobe${process.pid % 1_000_000}`;
  const canAdd = spawnSync("ip", ["link", "add", bridge, "type", "bridge"]).status === 0;
  if (canAdd) spawnSync("ip", ["link", "del", bridge]);
  if (!canAdd) return '"ip link add … type bridge" fails';
  const { status, stderr } = spawnSync("unshare", ["--mount", "--pid", "--fork", "true"]);
  return status === 0 ? undefined : `unshare fails: ${stderr ?? "it is missing"}`;
}

/**
 * Makes the mount points and links that container.sh expects. Test files that run at the same time share the folder of
 * an image, so each step also succeeds if another process has just done the step.
 */
export function prepareRoot(root: string): void {
  for (const name of [...MOUNTED, "tmp"]) mkdirSync(join(root, name), { recursive: true });
  for (const name of LINKS) {
    const target = linkTarget(`/${name}`);
    if (target !== undefined) link(target, join(root, name));
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (linkTarget(path) !== target) throw error;
  }
}

/** A folder for the top of /usr: Node 22 with npm, and Bun, where the base images and Debian have them. */
export function makeUsr(folder: string): string {
  const usr = join(folder, "usr");
  const local = join(usr, "local/bin");
  mkdirSync(local, { recursive: true });
  mkdirSync(join(usr, "bin"), { recursive: true });
  // Copies: a link would lead out of the container.
  for (const path of [join(local, "node"), join(usr, "bin/node")]) cpSync(node22Path(), path);
  cpSync(realpathSync(bunPath()), join(local, "bun"));
  const npm = dirname(dirname(realpathSync(findProgram("npm"))));
  cpSync(npm, join(usr, "local/lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, name));
  }
  return usr;
}

function findProgram(name: string): string {
  return spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
}

/** Writes a file for /etc/hosts. */
export function writeHosts(path: string, hosts: Readonly<Record<string, string>>): void {
  const lines = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
  writeFileSync(path, `127.0.0.1 localhost\n${lines.join("")}`);
}
