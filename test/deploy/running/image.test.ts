import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { call, publish } from "../../support/api.ts";
import { type Container, Network } from "../../support/deploy/containers.ts";
import { MOUNTED } from "../../support/deploy/rootfs.ts";
import { untilListening } from "../../support/deploy/running.ts";
import { openStream } from "../../support/sse-client.ts";

const KEY = "key-of-the-image-test";
const built = inject("built");

describe.skipIf(built === undefined).each(["node", "bun"])("the image for %s", (target) => {
  const { usr = "", images = {} } = built ?? {};
  const image = images[target];
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-image-"));
  const data = join(folder, "data");
  let network: Network;
  let container: Container;
  let url: string;
  beforeAll(async () => {
    if (image === undefined) throw new Error(`There is no image ${target}`);
    network = new Network(["service"], folder);
    // As Docker does with a new volume.
    spawnSync("cp", ["-a", join(image.root, "data"), data]);
    const mounts = [{ source: data, target: "/data", isWritable: true }];
    container = network.start(
      "service",
      { root: image.root, usr, mounts },
      {
        user: image.user,
        workdir: image.workdir,
        env: { ...image.env, REALTIME_ADMIN_KEY: KEY, REALTIME_DATA: "/data" },
        command: [...image.entrypoint, ...image.command],
      },
    );
    url = `http://${container.address}:${image.port}`;
    await untilListening(container);
  });
  afterAll(async () => {
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("adds less than 30 MB to its base", () => {
    const names = readdirSync(image?.root ?? "").filter((name) => !MOUNTED.includes(name));
    const { stdout } = spawnSync("du", ["-sck", ...names], { cwd: image?.root, encoding: "utf8" });
    const kilobytes = Number(/^(\d+)\ttotal$/m.exec(stdout)?.[1]);
    console.log(`${target}: ${(kilobytes / 1024).toFixed(1)} MB over the base`);
    expect(kilobytes).toBeLessThan(30 * 1024);
  });

  it("has no development dependency, no source and no secret", () => {
    const app = join(image?.root ?? "", "app");
    expect(readdirSync(app).toSorted()).toEqual(["dist", "node_modules", "package.json"]);
    const packages = readdirSync(join(app, "node_modules")).filter((name) => !name.startsWith("."));
    expect(packages).toContain("redis");
    expect(packages).not.toContain("typescript");
  });

  it("runs as PID 1 without privileges, on files that it can't change", () => {
    const read = "grep -E '^(Uid|Gid|CapEff|CapBnd|NoNewPrivs)' /proc/1/status";
    expect(container.exec(["sh", "-c", read]).output.replaceAll("\t", " ")).toBe(
      [
        "Uid: 1000 1000 1000 1000",
        "Gid: 1000 1000 1000 1000",
        "CapEff: 0000000000000000",
        "CapBnd: 0000000000000000",
        "NoNewPrivs: 1",
        "",
      ].join("\n"),
    );
    for (const path of ["/app/x", "/tmp/x", "/etc/x"]) {
      expect(container.exec(["touch", path]).output).toMatch(/Read-only file system/);
    }
    expect(container.exec(["touch", "/data/x"]).status).toBe(0);
  });

  it("passes its health check while it runs, and fails it without a service", () => {
    expect(container.exec(image?.health ?? [])).toEqual({ status: 0, output: "" });
    const elsewhere = ["env", "PORT=1", ...(image?.health ?? [])];
    expect(container.exec(elsewhere).status).toBe(1);
  });

  it("keeps messages in the volume, and drains on SIGTERM", async () => {
    const client = await openStream(url, {}, "?topic=chat");
    expect((await publish(url, { topic: "chat", data: 1 }, KEY)).status).toBe(200);
    await client.receive(1);
    expect((await call(url, "/api/health/ready")).status).toBe(200);
    expect(await container.stop(15_000)).toBe(0);
    expect(await client.ended).toBe("end");
    expect(client.retries).toHaveLength(1);
    expect(container.output()).toContain('"msg":"stopped"');
    expect(readdirSync(data).length).toBeGreaterThan(1);
  });
});
