// Installs npm packages in .cache/ that only tests need. They are not devDependencies, because they are too large, or too slow to
// build, for every `npm ci`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Returns the folder in .cache/ in which a package is installed. The first call installs the package, and prints the folder.
 *
 * @param name Name of the npm package.
 * @param version Exact version.
 * @param file A file below the folder that exists once the package is installed.
 */
export function cachedPackage(name, version, file) {
  const home = folderOf(name, version);
  if (existsSync(`${home}${file}`)) return home;
  console.error(`Installing ${name}@${version} in ${home}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(`${home}package.json`, '{"private":true}\n');
  const install = ["install", "--no-audit", "--no-fund", `${name}@${version}`];
  const { status } = spawnSync("npm", install, { cwd: home, stdio: ["ignore", 2, 2] });
  if (status !== 0 || !existsSync(`${home}${file}`)) {
    throw new Error(`"npm install ${name}@${version}" failed in ${home}.`);
  }
  return home;
}

/** Returns the folder for a package, whether it is installed or not. */
export function folderOf(name, version) {
  return fileURLToPath(new URL(`../.cache/${name}-${version}/`, import.meta.url));
}
