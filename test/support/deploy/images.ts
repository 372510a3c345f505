/** Builds the images of the Dockerfile once for all files of `npm run test:deploy`. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { buildImages, type Image, makeBuildFolder } from "./docker-build.ts";
import { makeUsr, NO_CONTAINERS } from "./rootfs.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Undefined if no container can be started here. */
    readonly built: { readonly usr: string; readonly images: Record<string, Image> } | undefined;
  }
}

const repository = fileURLToPath(new URL("../../..", import.meta.url));

export function setup(project: TestProject): (() => Promise<void>) | undefined {
  if (NO_CONTAINERS !== undefined) {
    console.warn(`The tests that run the containers are skipped: ${NO_CONTAINERS}.`);
    project.provide("built", undefined);
    return undefined;
  }
  const folder = makeBuildFolder(repository);
  const all = { recursive: true, force: true };
  try {
    const usr = makeUsr(folder);
    const output = join(folder, "stages");
    mkdirSync(output);
    const [context, cache] = [repository, npmConfig("cache")];
    const targets = ["node", "bun"];
    const images = buildImages({ context, usr, output, targets, env: npmEnvironment(), cache });
    for (const name of ["packages", "build"]) rmSync(join(output, name), all);
    project.provide("built", { usr, images });
  } catch (error) {
    rmSync(folder, all);
    throw error;
  }
  return () => rm(folder, all);
}

function npmConfig(name: string): string {
  return spawnSync("npm", ["config", "get", name], { encoding: "utf8" }).stdout.trim();
}

/** The registry and the certificates that npm of this machine uses, for RUN. */
function npmEnvironment(): Record<string, string> {
  const names = ["registry", "cafile", "https-proxy"];
  const set = names.map((name) => [name, npmConfig(name)] as const);
  const given = set.filter(
    ([, value]) => value !== "null" && value !== "undefined" && value !== "",
  );
  return Object.fromEntries(given.map(([name, value]) => [`npm_config_${name}`, value]));
}
