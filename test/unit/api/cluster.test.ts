import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createServer, type RealtimeServer } from "../../../src/api/server.ts";
import type { LogFields } from "../../../src/realtime/types.ts";
import { type MemoryBus, MemoryNetwork } from "../../support/memory-bus.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { differencesFrom } from "../../support/response-schema.ts";
import { SharedMemoryLog } from "../../support/shared-memory-log.ts";

const ADMIN = { Authorization: "an-admin-key-of-a-test" };

interface Process {
  readonly server: RealtimeServer;
  readonly bus: MemoryBus;
  readonly warnings: (LogFields & { readonly msg: string })[];
}

let network: MemoryNetwork;
let log: SharedMemoryLog;
let a: Process;
let b: Process;
beforeEach(() => {
  network = new MemoryNetwork();
  log = new SharedMemoryLog();
  [a, b] = [start(), start()];
});
afterEach(async () => {
  await Promise.all([a, b].map(({ server }) => server.close()));
});

function start(): Process {
  const warnings: Process["warnings"] = [];
  const warn = (msg: string, fields?: LogFields) => void warnings.push({ ...fields, msg });
  const bus = network.connect();
  const server = createServer({
    ...{ bus, log: log.open(), adminKey: ADMIN.Authorization },
    ...{ health: true, metrics: "admin", openapi: true },
    logger: { debug() {}, info() {}, warn, error: warn },
  });
  return { server, bus, warnings };
}

async function call({ server }: Process, method: string, path: string, body?: unknown) {
  const headers = { ...ADMIN, "Content-Type": "application/json" };
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  return server.app.request(path, { method, headers, ...init });
}

async function connect({ server }: Process): Promise<string> {
  const connection = await server.registry.open({ topics: ["x"] });
  await connection.attach(new RecordingSink());
  return connection.clientId;
}

describe("a request for a client of another process", () => {
  it("is answered as if the client were connected here", async () => {
    const clientId = await connect(a);
    const body = { clientId, subscriptions: ["news"] };
    expect((await call(b, "POST", "/api/realtime", body)).status).toBe(204);
    const client = await call(b, "GET", `/api/realtime/clients/${clientId}`);
    expect(await client.json()).toMatchObject(body);
    const path = `/api/realtime/clients/${clientId}`;
    expect((await call(b, "DELETE", path)).status).toBe(204);
    expect((await call(b, "GET", path)).status).toBe(404);
  });

  it("says that the process has ended, and no word of sticky sessions", async () => {
    const clientId = await connect(a);
    a.bus.fault = "killed";
    const answer = await call(b, "POST", "/api/realtime", { clientId, subscriptions: ["news"] });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      message: "The process of this client has ended. Open a new stream.",
    });
    expect((await call(b, "GET", `/api/realtime/clients/${clientId}`)).status).toBe(404);
    expect((await call(b, "DELETE", `/api/realtime/clients/${clientId}`)).status).toBe(404);
    expect(b.warnings).toEqual([]);
  });

  it("answers 503 while the process does not answer", async () => {
    const clientId = await connect(a);
    a.bus.fault = "silent";
    const answer = await call(b, "POST", "/api/realtime", { clientId, subscriptions: ["news"] });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Retry-After")).not.toBeNull();
  });
});

describe("the counts of several processes", () => {
  it("are added up in the stats, which are as the OpenAPI document describes them", async () => {
    await Promise.all([connect(a), connect(a), connect(b)]);
    const path = "/api/realtime/stats";
    const answer = await call(b, "GET", path);
    expect(await answer.clone().json()).toMatchObject({
      clients: 3,
      processes: { living: 2, silent: [] },
    });
    const document = await (await call(b, "GET", "/api/openapi.json")).json();
    expect(await differencesFrom(document, path, "get", answer)).toEqual([]);
  });

  it("are those of one process in the metrics, which ask no other process", async () => {
    await Promise.all([connect(a), connect(a), connect(b)]);
    expect(await (await call(a, "GET", "/metrics")).text()).toContain("\npocketwire_clients 2\n");
    expect(await (await call(b, "GET", "/metrics")).text()).toContain("\npocketwire_clients 1\n");
    expect([...a.bus.received, ...b.bus.received]).toEqual([]);
  });
});

describe("while the bus is away", () => {
  beforeEach(() => {
    network.isAway = true;
  });

  it("metrics, topic rules and readiness do not depend on it: the log says whether it can be written", async () => {
    for (const path of ["/metrics", "/api/realtime/topics/rules", "/api/health/ready"]) {
      expect([path, (await call(a, "GET", path)).status]).toEqual([path, 200]);
    }
  });

  it("stats and lists answer 503", async () => {
    for (const list of ["stats", "clients", "topics"]) {
      const { status } = await call(a, "GET", `/api/realtime/${list}`);
      expect([list, status]).toEqual([list, 503]);
    }
  });
});
