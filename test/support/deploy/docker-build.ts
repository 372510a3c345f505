/** Carries out a Dockerfile without Docker: each stage in a folder, with the machine's /usr and /etc in place of a base image's. */
import { spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { containerArgs, type Mount } from "./containers.ts";
import {
  healthCommand,
  type Instruction,
  jsonCommand,
  readDockerfile,
  type Stage,
} from "./dockerfile.ts";

/** What an image has, apart from its base. */
export interface Image {
  /** The folder with its files. */
  readonly root: string;
  readonly from: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly health: readonly string[];
  readonly port: string;
}

const EMPTY = {
  env: {},
  workdir: "/",
  user: "0",
  entrypoint: [],
  command: [],
  health: [],
  port: "",
};

export interface BuildOptions {
  /** Absolute path of the folder with the Dockerfile. */
  readonly context: string;
  /** The folder for the top of /usr. */
  readonly usr: string;
  /** An empty folder. */
  readonly output: string;
  /** Names of the stages to build. Stages that they need are built as well. */
  readonly targets: readonly string[];
  /** Variables for RUN that say how this machine reaches the npm registry. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder for `--mount=type=cache`. */
  readonly cache: string;
}

/** Builds the targets. @throws if an instruction fails, or is one that this builder does not know. */
export function buildImages(options: BuildOptions): Record<string, Image> {
  const stages = readDockerfile(readFileSync(join(options.context, "Dockerfile"), "utf8"));
  const images: Record<string, Image> = {};
  for (const stage of stages) {
    if (isNeeded(stage, stages, options.targets))
      images[stage.name] = buildStage(stage, images, options);
  }
  return images;
}

function isNeeded({ name }: Stage, stages: readonly Stage[], targets: readonly string[]): boolean {
  if (targets.includes(name)) return true;
  const users = stages.filter(
    ({ from, instructions }) =>
      from === name || instructions.some(({ flags }) => flags.from === name),
  );
  return users.some((user) => isNeeded(user, stages, targets));
}

function buildStage(stage: Stage, images: Record<string, Image>, options: BuildOptions): Image {
  const root = join(options.output, stage.name);
  const base = images[stage.from];
  if (base === undefined) mkdirSync(root);
  else copy(base.root, root);
  let image: Image = { ...(base ?? { ...EMPTY, from: stage.from }), root };
  for (const instruction of stage.instructions) {
    try {
      image = { ...image, ...carryOut(instruction, image, images, options) };
    } catch (cause) {
      throw new Error(`Line ${instruction.line} of the Dockerfile: ${String(cause)}`, { cause });
    }
  }
  return image;
}

function carryOut(
  instruction: Instruction,
  image: Image,
  images: Record<string, Image>,
  options: BuildOptions,
): Partial<Image> {
  const { keyword, words, text, properties } = instruction;
  const command = () => jsonCommand(text) ?? [];
  switch (keyword) {
    case "WORKDIR":
      mkdirSync(join(image.root, words[0] ?? ""), { recursive: true });
      return { workdir: words[0] ?? "" };
    case "COPY":
      copyFiles(instruction, image, images, options.context);
      return {};
    case "RUN":
      runCommand(instruction, image, options);
      return {};
    case "ENV":
      return { env: { ...image.env, ...properties } };
    case "USER":
      return { user: words[0] ?? "" };
    case "EXPOSE":
      return { port: words[0] ?? "" };
    case "ENTRYPOINT":
      return { entrypoint: command() };
    case "CMD":
      return { command: command() };
    case "HEALTHCHECK":
      return { health: jsonCommand(healthCommand(instruction)) ?? [] };
    case "LABEL":
    case "STOPSIGNAL":
      return {};
    default:
      throw new Error(`The test can't carry out ${keyword}.`);
  }
}

/** `cp`, which keeps owners and modes, and copies no mounted folder, because these are empty here. */
function copy(source: string, target: string): void {
  const { status, stderr } = spawnSync("cp", ["-a", source, target], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function copyFiles(
  { words, flags }: Instruction,
  { root, workdir }: Image,
  images: Record<string, Image>,
  context: string,
): void {
  const sources = words.slice(0, -1);
  const target = words.at(-1) ?? "";
  const to = join(root, resolve(workdir, target));
  const origin = flags.from === undefined ? context : images[flags.from]?.root;
  if (origin === undefined) throw new Error(`There is no stage "${flags.from}".`);
  const isIgnored = flags.from === undefined ? readIgnore(context) : () => false;
  for (const source of sources) {
    const from = join(origin, source);
    if (!existsSync(from) || isIgnored(source)) throw new Error(`${source} is not in the context.`);
    const isInto = target.endsWith("/") && statSync(from).isFile();
    cpSync(from, isInto ? join(to, basename(source)) : to, {
      recursive: true,
      filter: (path) => !isIgnored(relative(origin, path)),
      verbatimSymlinks: true,
    });
  }
  if (flags.chown !== undefined) chown(to, flags.chown);
}

function chown(path: string, owner: string): void {
  const [uid, gid] = owner.split(":").map(Number);
  if (uid === undefined || gid === undefined) throw new Error(`--chown=${owner} names no group.`);
  chownSync(path, uid, gid);
  if (!statSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) chown(join(path, name), owner);
}

/** The last pattern of .dockerignore that fits a path, or a folder that the path is in, decides. */
function readIgnore(context: string): (path: string) => boolean {
  const lines = readFileSync(join(context, ".dockerignore"), "utf8").split("\n");
  const patterns = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return (path) => {
    const parts = path.split("/");
    const folders = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    const deciding = patterns.findLast((pattern) => {
      const text = pattern.replace(/^!/, "").replaceAll(".", "\\.").replaceAll("*", "[^/]*");
      return folders.some((folder) => new RegExp(`^${text}$`).test(folder));
    });
    return deciding !== undefined && !deciding.startsWith("!");
  };
}

function runCommand({ text, flags }: Instruction, image: Image, options: BuildOptions): void {
  const { mount } = flags;
  const target = /^type=cache,target=(\/.*)$/.exec(mount ?? "")?.[1];
  if (mount !== undefined && target === undefined) throw new Error(`Not known: --mount=${mount}`);
  const mounts: Mount[] =
    target === undefined ? [] : [{ source: options.cache, target, isWritable: true }];
  const files = { root: image.root, usr: options.usr, isWritable: true, mounts };
  const env = { ...options.env, ...image.env, HOME: "/root" };
  const command = ["/bin/sh", "-c", text];
  const args = containerArgs(files, { user: image.user, workdir: image.workdir, env, command });
  const words = ["--mount", "--pid", "--fork", "--kill-child", "sh", ...args];
  const { status, stdout, stderr } = spawnSync("unshare", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`exit ${status}: ${stdout}${stderr}`);
}

/** Makes an empty folder for one build in `.cache/`, on the disk of the repository. */
export function makeBuildFolder(repository: string): string {
  const parent = join(repository, ".cache/deploy");
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "build-"));
}
