/** The ways to back up and restore Redis that docs/operations.md describes, and what clients see afterwards. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, RESP_TYPES } from "redis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../../support/redis-server.ts";
import { NODE } from "../../support/runtimes.ts";
import { type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

describe.skipIf(NO_REDIS)(`a backup of Redis${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  const servers: RedisServer[] = [];
  const services: Service[] = [];
  let folder: string;
  let first: RedisServer;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "pocketwire-backup-"));
    first = await startServer({ isDurable: true });
  });
  afterEach(async () => {
    closeClients();
    for (const service of services.splice(0)) await service.stop("SIGKILL");
    for (const server of servers.splice(0)) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startServer(options: { isDurable?: boolean } = {}): Promise<RedisServer> {
    const server = await startRedis(options);
    servers.push(server);
    return server;
  }
  async function start({ url }: RedisServer): Promise<Service> {
    const service = await startService(NODE, { env: { REDIS_URL: url } });
    services.push(service);
    return service;
  }
  async function say({ url }: Service, ...numbers: readonly number[]): Promise<void> {
    for (const n of numbers) {
      const { status } = await publish(url, { topic: "chat", data: n, id: `m${n}` });
      expect(status).toBe(200);
    }
  }
  const listen = (service: Service, lastEventId?: string) => {
    const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
    return openStream(service.url, { headers }, "?topic=chat");
  };
  const resumed = async (service: Service, cursor: string | undefined) => {
    const client = await listen(service, cursor);
    const text = await eventually(
      () => client.events.find(({ event }) => event === "PB_RESUME")?.data,
      "PB_RESUME",
    );
    const numbers = () =>
      client.events.filter(({ event }) => event === "chat").map(({ data }) => Number(data));
    const { recovered, replayed = 0 } = JSON.parse(text);
    await eventually(() => numbers().length >= replayed, "the replay");
    return { recovered, numbers: numbers() };
  };

  async function copySnapshot(): Promise<void> {
    const args = ["-u", first.url, "--rdb", join(folder, "dump.rdb")];
    const { status, stderr, error } = spawnSync("redis-cli", args, { encoding: "utf8" });
    expect(status, error?.message ?? stderr).toBe(0);
  }

  /** Publishes 1 and 2, takes a backup, publishes 3 and 4, stops the service. Returns the cursors of the four messages. */
  async function backUpBetween(backUp: () => Promise<unknown>): Promise<(string | undefined)[]> {
    const service = await start(first);
    const client = await listen(service);
    await say(service, 1, 2);
    await backUp();
    await say(service, 3, 4);
    const received = () => client.events.filter(({ event }) => event === "chat");
    await eventually(() => received().length === 4, "the client has the messages");
    // Redis gets another replication id when its snapshot is copied, so the log begins a new epoch. Clients don't notice.
    expect(client.events.map(({ event }) => event)).not.toContain("PB_RESUME");
    await service.stop();
    return received().map(({ id }) => id);
  }

  /** Publishes messages that get the numbers of the lost ones, and checks what each client is told. */
  async function expectNoSilentLoss(server: RedisServer, cursors: readonly (string | undefined)[]) {
    const service = await start(server);
    const { body } = await call(service.url, "/api/realtime/messages?topic=chat");
    expect(body.messages.map(({ data }: { data: number }) => data)).toEqual([1, 2]);
    await say(service, 5, 6, 7);
    expect(await resumed(service, cursors[0])).toEqual({ recovered: true, numbers: [2, 5, 6, 7] });
    expect(await resumed(service, cursors[1])).toEqual({ recovered: true, numbers: [5, 6, 7] });
    expect((await resumed(service, cursors[2])).recovered).toBe(false);
    expect((await resumed(service, cursors[3])).recovered).toBe(false);
  }

  it("as a snapshot is restored on another server, which then writes an append-only file", async () => {
    const cursors = await backUpBetween(copySnapshot);
    const second = await startServer();
    await second.kill();
    second.restore(folder);
    await second.start();
    await second.command("CONFIG", "SET", "appendonly", "yes");
    await eventually(async () => {
      const state = await second.command("INFO", "persistence");
      return /aof_rewrite_in_progress:0/.test(state) && /aof_last_bgrewrite_status:ok/.test(state);
    }, "the append-only file is written");
    await expectNoSilentLoss(second, cursors);
  }, 60_000);

  it("is ignored by a server that starts with an append-only file", async () => {
    await backUpBetween(copySnapshot);
    const second = await startServer({ isDurable: true });
    await second.kill();
    second.restore(folder);
    await second.start();
    expect(await second.command("DBSIZE")).toBe(":0\r\n");
  }, 60_000);

  it("as single keys is restored on the running server, which is told to begin a new epoch", async () => {
    const redis = createClient({
      url: first.url,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    });
    await redis.connect();
    const findKeys = async () => (await redis.keys("{pocketwire}:*")).map(String);
    const copies = new Map<string, Buffer>();
    const cursors = await backUpBetween(async () => {
      // The cast: the option makes the answer a Buffer.
      for (const key of await findKeys()) {
        copies.set(key, (await redis.dump(key)) as unknown as Buffer);
      }
    });
    await redis.del(await findKeys());
    for (const [key, copy] of copies) await redis.restore(key, 0, copy);
    redis.destroy();
    await first.command("HDEL", "{pocketwire}:0:meta", "run");
    await expectNoSilentLoss(first, cursors);
  }, 60_000);
});
