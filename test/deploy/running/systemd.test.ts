import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Container, Network } from "../../support/deploy/containers.ts";
import { untilListening, Workspace } from "../../support/deploy/running.ts";
import { environmentOf, readUnit, settingOf } from "../../support/deploy/unit-file.ts";

const unit = new URL("../../../deploy/systemd/pocketwire.service", import.meta.url);
const service = readUnit(readFileSync(unit, "utf8")).get("Service");

/** One of the ids that systemd gives to DynamicUser=. */
const USER = "61500:61500";

describe.skipIf(inject("built") === undefined)("deploy/systemd/pocketwire.service", () => {
  let workspace: Workspace;
  let network: Network;
  let container: Container;
  let state: string;
  const key = { REALTIME_ADMIN_KEY: "key-of-the-systemd-test" };

  /** As systemd starts the unit. PID 1 differs: under systemd, the service is another process. */
  async function start(): Promise<void> {
    const target = `/var/lib/${settingOf(service, "StateDirectory")}`;
    const mounts = [{ source: state, target, isWritable: true }];
    const root = join(workspace.folder, "root");
    container = network.start(
      "service",
      { root, usr: workspace.usr, mounts },
      {
        user: USER,
        workdir: settingOf(service, "WorkingDirectory"),
        env: { ...environmentOf(service), ...key },
        command: settingOf(service, "ExecStart").split(" "),
      },
    );
    await untilListening(container);
  }

  beforeAll(async () => {
    workspace = new Workspace();
    network = new Network(["service"], workspace.folder);
    state = workspace.makeFolder("state", USER, settingOf(service, "StateDirectoryMode"));
    // What `npm ci && npm run build && npm prune --omit=dev` leaves in /opt/pocketwire.
    workspace.makeFolder("root/opt");
    const app = join(workspace.image("pocketwire").root, "app");
    spawnSync("cp", ["-a", app, join(workspace.folder, "root/opt/pocketwire")]);
    await start();
  });
  afterAll(async () => {
    await network.stop();
    workspace.remove();
  });

  const cli = (...words: string[]) => container.exec(["node", "dist/cli.js", ...words]);

  it("listens on this machine only, and keeps its messages over a restart", async () => {
    expect(container.output()).toContain('"url":"http://127.0.0.1:8090"');
    expect(cli("publish", "chat", '"hello"').status).toBe(0);
    expect(await container.stop(Number(settingOf(service, "TimeoutStopSec")) * 1000)).toBe(0);
    await start();
    const { output } = cli("listen", "chat", "--last", "1", "--count", "1");
    expect(output).toContain('chat\t"hello"');
  });

  it("logs no warning and no error", () => {
    const lines = container.output().split("\n");
    // The test has the limit of this machine, not LimitNOFILE=.
    const others = lines.filter((line) => !line.includes("the limit of open files is too low"));
    expect(others.length).toBeGreaterThan(1);
    expect(others.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
  });

  it("can write nothing but its state", () => {
    expect(container.exec(["touch", "/opt/pocketwire/x"]).output).toMatch(/Read-only file system/);
    expect(container.exec(["touch", "/var/lib/pocketwire/x"]).status).toBe(0);
  });
});
