import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually, within } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { openRaw } from "../support/raw-client.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import {
  type RuntimeUnderTest,
  type Service,
  type ServiceOptions,
  spawnService,
  startService,
} from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";

const WORKERS = 3;

/** Several workers on one port: WORKERS. */
export function workersSuite(runtime: RuntimeUnderTest): void {
  describe(`workers on ${runtime.name}`, () => {
    it("are refused without Redis, with the reason", async () => {
      const service = spawnService(runtime, { env: { WORKERS: "2" } });
      expect(await within(service.exited, 20_000, "the service ends")).toBe(1);
      expect(service.output()).toBe(
        "WORKERS is 2, and REDIS_URL is not set. The workers share messages and clients only over Redis. " +
          "Set REDIS_URL, or remove WORKERS (the flag --workers).\n",
      );
    });
  });
  const title = `workers on ${runtime.name} over Redis`;
  describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
    let redis: RedisServer;
    let service: Service | undefined;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis.stop());
    afterEach(async () => {
      closeClients();
      if (service?.process.exitCode === null) await service.stop("SIGKILL");
    });

    const options = (env: ServiceOptions["env"] = {}): ServiceOptions => ({
      env: { WORKERS: String(WORKERS), REDIS_URL: redis.url, LOG_LEVEL: "info", ...env },
    });
    const start = async (env?: ServiceOptions["env"]): Promise<Service> => {
      service = await startService(runtime, options(env));
      return service;
    };

    it("share one port, and a message reaches the clients of each worker", async () => {
      const { url, logs, output } = await start();
      expect(pidsOf(logs).size).toBe(WORKERS);
      const clients = await Promise.all(
        Array.from({ length: 24 }, () => openStream(url, {}, "?topic=a")),
      );
      // The home of a process is the last part of the client id's beginning.
      const homes = new Set(clients.map(({ clientId }) => clientId.split(".")[1]));
      expect(homes.size).toBe(WORKERS);
      await publish(url, { topic: "a", data: 1 });
      for (const client of clients) expect((await client.receive(1))[0]?.data).toBe("1");
      expect((await readStats(url)).clients).toBe(24);
      await eventually(() => output().includes('"topic":"chat"'), "the hints are read");
      expect(output().match(/Publish a message in a third terminal/g)).toHaveLength(1);
    });

    it("write their number into each log line", async () => {
      const { logs } = await start();
      const ofWorkers = logs.filter(({ msg }) => msg === "worker listening");
      expect(ofWorkers.map(({ worker }) => worker).sort()).toEqual([1, 2, 3]);
      const own = logs.filter(({ msg }) => msg === "listening");
      expect(own).toEqual([expect.objectContaining({ workers: WORKERS })]);
    });

    it("are replaced after a SIGKILL, and the streams of the others stay open", async () => {
      const { url, logs } = await start();
      const clients = await Promise.all(
        Array.from({ length: 24 }, () => openStream(url, {}, "?topic=b")),
      );
      const broken = new Set<SSEClient>();
      for (const client of clients) void client.ended.then(() => broken.add(client));
      const [first] = pidsOf(logs).entries();
      if (first === undefined) throw new Error("No worker has logged its pid");
      const [pid, worker] = first;
      process.kill(pid, "SIGKILL");
      const ended = await eventually(
        () => logs.find(({ msg }) => msg === "a worker has ended and is restarted"),
        "the end is logged",
      );
      expect(ended).toMatchObject({ level: "error", worker, pid, signal: "SIGKILL" });
      await eventually(() => pidsOf(logs).size === WORKERS + 1, "the replacement listens");
      expect([...pidsOf(logs).values()].at(-1)).toBe(worker);
      await publish(url, { topic: "b", data: 2 });
      await eventually(
        () => clients.every((client) => broken.has(client) || client.events.length === 1),
        "each stream has ended or has the message",
      );
      expect(broken.size).toBeGreaterThan(0);
      expect(broken.size).toBeLessThan(clients.length);
    });

    it("are drained and replaced after a SIGTERM to one of them", async () => {
      const { logs } = await start();
      const [pid] = pidsOf(logs).keys();
      if (pid === undefined) throw new Error("No worker has logged its pid");
      process.kill(pid, "SIGTERM");
      await eventually(() => pidsOf(logs).size === WORKERS + 1, "the replacement listens");
      expect(logs).toContainEqual(
        expect.objectContaining({ msg: "a worker has stopped and is replaced", pid, code: 0 }),
      );
    });

    it.each(["SIGTERM", "SIGINT"] as const)("stop one after the other on %s", async (signal) => {
      const { url, logs, stop } = await start();
      const client = await openStream(url);
      // To the whole process group, as a terminal and systemd send it.
      expect(await stop(signal)).toBe(0);
      expect(await within(client.ended, 10_000, "the stream ends")).toBe("end");
      expect(client.retries).toHaveLength(1);
      const order = logs.flatMap(({ msg, worker }) =>
        worker !== undefined && (msg === "stopping" || msg === "stopped") ? [[msg, worker]] : [],
      );
      const stopped = order.filter(([msg]) => msg === "stopped").map(([, worker]) => worker);
      expect([...stopped].sort()).toEqual([1, 2, 3]);
      expect(order).toEqual(
        stopped.flatMap((worker) => [
          ["stopping", worker],
          ["stopped", worker],
        ]),
      );
      expect(logs.at(-1)).toMatchObject({ msg: "stopped" });
    });

    it("stop at once on a second signal", async () => {
      const { url, process: child, exited, logs } = await start({ REALTIME_DRAIN_SECONDS: "60" });
      // A request without its end keeps a worker from ending. The worker asks for the body when it has the request.
      const headers = { "Content-Length": "2", Expect: "100-continue" };
      const open = await openRaw(url, { method: "POST", headers });
      await open.waitFor(/^HTTP\/1\.1 100 /, "a worker has the request");
      child.kill("SIGTERM");
      await eventually(() => logs.some(({ msg }) => msg === "stopping"), "it is stopping");
      child.kill("SIGTERM");
      expect(await within(exited, 10_000, "it ends")).toBe(1);
      await eventually(() => [...pidsOf(logs).keys()].every(isGone), "the workers end");
    });

    it("end when their parent is killed", async () => {
      const { process: child, logs } = await start();
      child.kill("SIGKILL");
      await eventually(() => [...pidsOf(logs).keys()].every(isGone), "the workers end");
    });

    it("don't start on a port in use, and one line says so", async () => {
      const first = await start();
      const second = spawnService(runtime, options({ PORT: new URL(first.url).port }));
      expect(await within(second.exited, 20_000, "the second service ends")).toBe(1);
      const lines = second.logs.filter(({ msg }) => msg === "could not start");
      expect(lines).toEqual([
        expect.objectContaining({ error: expect.stringContaining("--port or the variable PORT") }),
      ]);
      await first.stop();
    });

    it("share the key that their parent has made", async () => {
      const { url, output } = await start({ REALTIME_ADMIN_KEY: undefined });
      const key = await eventually(() => /^Admin key: +(\S+)/m.exec(output())?.[1], "the key");
      for (let request = 0; request < 2 * WORKERS; request++) {
        expect((await publish(url, { topic: "a", data: 1 }, key)).status).toBe(200);
      }
      expect(output().split("Admin key:")).toHaveLength(2);
    });

    it("don't start if the first worker can't start, and the exit code is 1", async () => {
      const env = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
      const failing = spawnService(runtime, options(env));
      expect(await within(failing.exited, 30_000, "the service ends")).toBe(1);
      const errors = failing.logs.filter(({ msg }) => msg === "could not start");
      expect(errors).toEqual([
        expect.objectContaining({ worker: 1 }),
        expect.objectContaining({
          error:
            "Error: Worker 1 ended with code 1 before it was listening. Its log lines say why.",
        }),
      ]);
    });
  });
}

/** The workers by process id, in the order of their starts. */
function pidsOf(logs: Service["logs"]): ReadonlyMap<number, number> {
  return new Map(
    logs.flatMap(({ msg, pid, worker }) =>
      msg === "worker listening" && typeof pid === "number" && typeof worker === "number"
        ? [[pid, worker]]
        : [],
    ),
  );
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
