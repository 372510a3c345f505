/** What the tests that run containers share. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { eventually } from "../deadline.ts";
import type { Container } from "./containers.ts";
import type { Image } from "./docker-build.ts";

const EMPTY: Image = {
  root: "",
  from: "",
  env: {},
  workdir: "/",
  user: "0:0",
  entrypoint: [],
  command: [],
  health: [],
  port: "",
};

/**
 * The parts of published images that matter here. Their programs are those of this machine. Facts from
 * https://github.com/redis/docker-library-redis and https://github.com/caddyserver/caddy-docker.
 */
const PUBLISHED: Readonly<Record<string, Image>> = {
  redis: { ...EMPTY, workdir: "/data" },
  caddy: {
    ...EMPTY,
    workdir: "/srv",
    env: { XDG_CONFIG_HOME: "/config", XDG_DATA_HOME: "/data" },
    command: ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"],
  },
};

/** A folder for one test file, with the folders of images and volumes. */
export class Workspace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "pocketwire-deploy-"));
  readonly usr: string;
  readonly #images: Readonly<Record<string, Image>>;

  constructor() {
    const built = inject("built");
    if (built === undefined) throw new Error("The images are not built");
    this.usr = built.usr;
    this.#images = built.images;
  }

  /** The image that this repository builds for Node, or one of `PUBLISHED` with an empty folder. */
  image(name: string): Image {
    const [repository = ""] = name.split(":");
    const { node } = this.#images;
    if (repository.endsWith("pocketwire") && node !== undefined) return node;
    const image = PUBLISHED[repository];
    if (image === undefined) throw new Error(`The test does not know the image ${name}`);
    const root = this.makeFolder(`image-${repository}`);
    mkdirSync(join(root, image.workdir), { recursive: true });
    return { ...image, root };
  }

  /** Makes a folder that belongs to a user such as `999:1000`. */
  makeFolder(name: string, owner = "0:0", mode = "755"): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    spawnSync("chown", [owner, path]);
    spawnSync("chmod", [mode, path]);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a command succeeds inside of the container. @throws if the container ends before. */
export function untilHealthy(container: Container, command: readonly string[]): Promise<void> {
  const isHealthy = () => container.exec(command).status === 0;
  return untilTrue(container, isHealthy, `${command[0]} succeeds`);
}

/** Waits until a Pocketwire listens. @throws if the container ends before. */
export function untilListening(container: Container): Promise<void> {
  const isListening = () => container.output().includes('"msg":"listening"');
  return untilTrue(container, isListening, "the service listens");
}

async function untilTrue(container: Container, ask: () => boolean, label: string): Promise<void> {
  let hasEnded = false;
  void container.exited.then(() => {
    hasEnded = true;
  });
  await eventually(() => {
    if (hasEnded) throw new Error(`The container has ended:\n${container.output()}`);
    return ask();
  }, label);
}
