/** Starts programs as a container engine would: user, privileges, read-only files, network and PID 1. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, within } from "../deadline.ts";
import { MOUNTED, prepareRoot, writeHosts } from "./rootfs.ts";

const SCRIPT = fileURLToPath(new URL("container.sh", import.meta.url));

/** Environment of every container. The path is that of the base images. */
const BASE_ENV = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/",
};

export interface Mount {
  readonly source: string;
  /** An absolute path in the container. */
  readonly target: string;
  readonly isWritable: boolean;
}

export interface Process {
  /** User and group, such as `1000:1000`. */
  readonly user: string;
  /** Names of the capabilities that the process may have, such as `net_bind_service`. */
  readonly capabilities?: readonly string[];
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

export interface Files {
  readonly root: string;
  /** The folder for the top of /usr (`makeUsr`). */
  readonly usr: string;
  readonly isWritable?: boolean;
  readonly mounts?: readonly Mount[];
}

/** The arguments of container.sh. */
export function containerArgs(files: Files, process: Process): string[] {
  const { root, usr, isWritable = false, mounts = [] } = files;
  prepareRoot(root);
  for (const { target } of mounts) {
    const isOfMachine = MOUNTED.some((name) => target.startsWith(`/${name}/`));
    if (!isOfMachine) spawnSync("mkdir", ["-p", join(root, target)]);
  }
  const mode = (writable: boolean) => (writable ? "rw" : "ro");
  const mounted = mounts.flatMap((one) => [one.source, one.target, mode(one.isWritable)]);
  return [SCRIPT, root, usr, mode(isWritable), ...mounted, "--", ...wrapped(process)];
}

/** The command with its environment, folder, user and privileges. */
function wrapped({ user, capabilities, workdir, env, command }: Process): string[] {
  const [uid = "", gid = uid] = user.split(":");
  const set = Object.entries({ ...BASE_ENV, ...env }).map(([name, value]) => `${name}=${value}`);
  const kept = (capabilities ?? []).map((name) => `,+${name}`).join("");
  const ids = ["--reuid", uid, "--regid", gid, "--clear-groups"];
  const privileges = ["--no-new-privs", `--bounding-set=-all${kept}`, `--inh-caps=-all${kept}`];
  return ["env", "-i", "-C", workdir, ...set, "setpriv", ...ids, ...privileges, ...command];
}

export interface Container {
  readonly address: string;
  output(): string;
  readonly exited: Promise<number | null>;
  /** Runs a command inside, with the same user and environment. The status is null if PID 1 is not running. */
  exec(command: readonly string[]): { status: number | null; output: string };
  /** Sends SIGTERM to PID 1 and waits for the exit. @returns the exit code. */
  stop(milliseconds: number): Promise<number | null>;
}

const NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh"];

function ip(...words: string[]): void {
  const { status, stderr } = spawnSync("ip", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr}`);
}

/** A network with a bridge. The containers in the network reach each other by name. This machine reaches them by address. */
export class Network {
  readonly #id = `pw${randomBytes(3).toString("hex")}`;
  /** Each worker of Vitest has a range of its own, so that two test files never use the same addresses. */
  readonly #subnet =
    `10.${200 + (Number(process.env.VITEST_POOL_ID ?? 0) % 50)}.${randomBytes(1)[0] ?? 0}`;
  readonly #hosts: Record<string, string> = {};
  readonly #hostsFile: string;
  readonly #namespaces: string[] = [];
  readonly #children = new Set<ChildProcess>();

  /** @param names The names of all containers. @param folder Where the file for /etc/hosts is written. */
  constructor(names: readonly string[], folder: string) {
    process.once("exit", this.#dispose);
    ip("link", "add", this.#id, "type", "bridge");
    ip("addr", "add", `${this.#subnet}.1/24`, "dev", this.#id);
    ip("link", "set", this.#id, "up");
    for (const [index, name] of names.entries())
      this.#attach(name, `${this.#subnet}.${index + 10}`);
    this.#hostsFile = join(folder, "hosts");
    writeHosts(this.#hostsFile, this.#hosts);
  }

  #attach(name: string, address: string): void {
    this.#hosts[name] = address;
    const index = this.#namespaces.length;
    const [namespace, outside] = [`${this.#id}n${index}`, `${this.#id}v${index}`];
    this.#namespaces.push(namespace);
    ip("netns", "add", namespace);
    ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    ip("link", "set", outside, "master", this.#id, "up");
    for (const device of ["lo", "eth0"]) ip("-n", namespace, "link", "set", device, "up");
    ip("-n", namespace, "addr", "add", `${address}/24`, "dev", "eth0");
  }

  start(name: string, files: Files, process: Process): Container {
    const address = this.#hosts[name];
    const namespace = this.#namespaces[Object.keys(this.#hosts).indexOf(name)];
    if (address === undefined || namespace === undefined) throw new Error(`No container ${name}`);
    const hosts = { source: this.#hostsFile, target: "/etc/hosts", isWritable: false };
    const args = containerArgs({ ...files, mounts: [...(files.mounts ?? []), hosts] }, process);
    // A process group of its own, so that one signal ends the program and the processes that wait for the program.
    const words = ["netns", "exec", namespace, ...NAMESPACES, ...args];
    const child = spawn("ip", words, { detached: true });
    this.#children.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const exited = new Promise<number | null>((resolve) => {
      child.on("close", (code) => {
        this.#children.delete(child);
        resolve(code);
      });
    });
    return {
      address,
      output: () => output,
      exited,
      exec: (command) => {
        const pid = firstChild(child);
        if (pid === undefined) return { status: null, output: "PID 1 is not running" };
        const inside = ["--target", String(pid), "--mount", "--net", "--pid", "--root", "--"];
        const words = [...inside, ...wrapped({ ...process, command })];
        const { status, stdout, stderr } = spawnSync("nsenter", words, { encoding: "utf8" });
        return { status, output: stdout + stderr };
      },
      stop: async (milliseconds) => {
        const pid = firstChild(child);
        if (pid === undefined) throw new Error(`${name} is not running:\n${output}`);
        globalThis.process.kill(pid, "SIGTERM");
        return within(exited, milliseconds, `${name} ends after SIGTERM:\n${output}`);
      },
    };
  }

  /** Kills the containers that still run, and removes the network. */
  async stop(): Promise<void> {
    process.off("exit", this.#dispose);
    this.#dispose();
    await eventually(() => this.#children.size === 0, "all containers have ended");
  }

  readonly #dispose = (): void => {
    for (const { pid } of this.#children) if (pid !== undefined) process.kill(-pid, "SIGKILL");
    for (const [index, namespace] of this.#namespaces.entries()) {
      // Connections that still close would keep the namespace, and with it this device, for minutes.
      spawnSync("ip", ["link", "del", `${this.#id}v${index}`]);
      spawnSync("ip", ["netns", "del", namespace]);
    }
    spawnSync("ip", ["link", "del", this.#id]);
  };
}

/** The process id of PID 1 of a container: the only child of `unshare`. Undefined before its start and after its end. */
function firstChild({ pid }: ChildProcess): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return children === "" ? undefined : Number(children.split(" ")[0]);
}
