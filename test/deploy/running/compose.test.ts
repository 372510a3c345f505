import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { call, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { type ComposeService, readCompose, secondsOf } from "../../support/deploy/compose.ts";
import { type Container, type Mount, Network } from "../../support/deploy/containers.ts";
import { untilHealthy, Workspace } from "../../support/deploy/running.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const KEY = "key-of-the-compose-test";
const AUTHORIZED = { headers: { Authorization: `Bearer ${KEY}` } };

/** Like Docker, gives a new volume the owner of the folder in the image. */
const OWNERS: Readonly<Record<string, string>> = { "redis-data": "999:1000" };

describe.skipIf(inject("built") === undefined)("compose.yaml", () => {
  let workspace: Workspace;
  let network: Network;
  const containers = new Map<string, Container>();
  // Over HTTP and for every host name, because the test has no host name.
  const { services } = readCompose(join(repository, "compose.yaml"), {
    REALTIME_ADMIN_KEY: KEY,
    SITE_ADDRESS: ":80",
  });
  const containerOf = (name: string): Container => {
    const container = containers.get(name);
    if (container === undefined) throw new Error(`${name} is not running`);
    return container;
  };

  function mountOf(volume: string): Mount {
    const [source = "", target = "", mode] = volume.split(":");
    const path = source.startsWith(".")
      ? join(repository, source)
      : workspace.makeFolder(source, OWNERS[source]);
    return { source: path, target, isWritable: mode !== "ro" };
  }

  async function start(name: string, service: ComposeService): Promise<void> {
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(condition).toBe("service_healthy");
      const { image, healthcheck } = services[needed] ?? { image: "" };
      const [, ...check] = healthcheck?.test ?? ["CMD", ...workspace.image(image).health];
      await untilHealthy(containerOf(needed), check);
    }
    const image = workspace.image(service.image);
    const mounts = (service.volumes ?? []).map(mountOf);
    const process = {
      user: service.user ?? image.user,
      capabilities: (service.cap_add ?? []).map((capability) => capability.toLowerCase()),
      workdir: image.workdir,
      env: { ...image.env, ...service.environment },
      command: [...image.entrypoint, ...(service.command ?? image.command)],
    };
    containers.set(
      name,
      network.start(name, { root: image.root, usr: workspace.usr, mounts }, process),
    );
  }

  beforeAll(async () => {
    workspace = new Workspace();
    network = new Network([...Object.keys(services), "caddy-tls"], workspace.folder);
    for (const [name, service] of Object.entries(services)) await start(name, service);
    const isReady = () => call(url(), "/api/health/ready").then(({ status }) => status === 200);
    await eventually(() => isReady().catch(() => false), "a Pocketwire is ready behind Caddy");
  });
  afterAll(async () => {
    closeClients();
    await network.stop();
    workspace.remove();
  });

  const url = () => `http://${containerOf("caddy").address}`;
  const clientsOf = async (name: string) => {
    const { body } = await call(`http://${containerOf(name).address}:8090`, "/metrics", AUTHORIZED);
    return Number(/^pocketwire_clients (\d+)$/m.exec(body)?.[1]);
  };
  const NAMES = ["pocketwire-1", "pocketwire-2", "pocketwire-3"];

  it("delivers a message of each process to the clients of all, through Caddy, with the addresses of the clients", async () => {
    const streams: SSEClient[] = [];
    // Caddy sends requests to a process only after a successful health check of that process.
    await eventually(async () => {
      streams.push(await openStream(url(), {}, "?topic=chat"));
      const counts = await Promise.all(NAMES.map(clientsOf));
      return counts.every((count) => count > 0);
    }, "each process has a client");
    for (const [index, name] of NAMES.entries()) {
      const direct = `http://${containerOf(name).address}:8090`;
      expect((await publish(direct, { topic: "chat", data: name }, KEY)).status).toBe(200);
      for (const stream of streams) await stream.receive(index + 1);
    }
    expect((await publish(url(), { topic: "chat", data: "caddy" }, KEY)).status).toBe(200);
    for (const stream of streams) {
      await stream.receive(4);
      const heard = stream.events.map(({ data }) => JSON.parse(data));
      expect(heard).toEqual([...NAMES, "caddy"]);
      const { body } = await call(url(), `/api/realtime/clients/${stream.clientId}`, AUTHORIZED);
      expect(body.ip).toBe(containerOf("caddy").address.replace(/\d+$/, "1"));
      stream.close();
    }
  });

  it("stops a Pocketwire within its grace, and opens every stream at the others", async () => {
    const grace = secondsOf(services["pocketwire-2"]?.stop_grace_period) * 1000;
    expect(await containerOf("pocketwire-2").stop(grace)).toBe(0);
    // Caddy does not know yet that the process has ended. An EventSource would give up at status 502.
    const streams: SSEClient[] = [];
    for (const _ of NAMES) streams.push(await openStream(url(), {}, "?topic=rest"));
    const direct = `http://${containerOf("pocketwire-3").address}:8090`;
    expect((await publish(direct, { topic: "rest", data: 1 }, KEY)).status).toBe(200);
    for (const stream of streams) {
      await stream.receive(1);
      stream.close();
    }
  });

  it("serves HTTPS by default", async () => {
    const { caddy } = readCompose(join(repository, "compose.yaml"), {
      REALTIME_ADMIN_KEY: KEY,
    }).services;
    const { depends_on: _, volumes = [], ...service } = caddy ?? ({} as ComposeService);
    const own = volumes.map((volume) => volume.replace(/^caddy-/, "caddy-tls-"));
    await start("caddy-tls", { ...service, volumes: own });
    const { address } = containerOf("caddy-tls");
    const words = [
      "-sk",
      "--resolve",
      `localhost:443:${address}`,
      "-w",
      "%{http_code} %{http_version}",
    ];
    await eventually(() => {
      const { stdout } = spawnSync("curl", [...words, "https://localhost/api/health/ready"], {
        encoding: "utf8",
      });
      return stdout.endsWith("200 2");
    }, "Caddy answers over HTTP/2 and TLS");
  });

  it("asks a stream to reconnect while no process is ready, and stops although a stream is open", async () => {
    const open = await openStream(url(), {}, "?topic=chat");
    expect(await containerOf("redis").stop(30_000)).toBe(0);
    const isAway = () => call(url(), "/api/health").then(({ status }) => status === 503);
    await eventually(isAway, "Caddy knows that no process is ready");
    const away = await call(url(), "/api/realtime");
    expect(away.body).toMatch(/^: The service is away.*\nretry: \d+\n\n$/);
    expect([away.status, away.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(await containerOf("caddy").stop(10_000)).toBe(0);
    await open.ended;
    expect(await containerOf("pocketwire-1").stop(20_000)).toBe(0);
  });
});
