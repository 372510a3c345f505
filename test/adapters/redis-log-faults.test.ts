import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogOptions, MessageLog } from "../../src/log/log.ts";
import { openReplicaLog } from "../../src/log/replica/replica-log.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import type { LogGap, Message } from "../../src/realtime/types.ts";
import { RedisSequencer } from "../../src/runtimes/process/redis/redis-sequencer.ts";
import { eventually, within } from "../support/deadline.ts";
import { type FaultyNetwork, startFaultyNetwork } from "../support/faulty-network.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";

/** One process: its log, and what its tail listener has heard. */
class ProcessUnderTest {
  readonly log: MessageLog;
  readonly heard: string[] = [];
  readonly cursors = new Map<string, string>();
  readonly gaps: LogGap[] = [];

  constructor(log: MessageLog) {
    this.log = log;
    log.tail(
      (entries) => {
        for (const { cursor, message } of entries) {
          this.heard.push(message.id);
          this.cursors.set(message.id, cursor);
        }
      },
      (gap) => {
        this.gaps.push(gap);
        this.heard.push("gap");
      },
    );
  }

  async append(...ids: string[]) {
    return this.log.append(ids.map((id) => message(id)));
  }

  /** Appends again until the message is accepted, as a publisher with retries. */
  async appendUntilAccepted(...ids: string[]): Promise<void> {
    const isAccepted = async () => {
      try {
        await this.append(...ids);
        return true;
      } catch {
        return false;
      }
    };
    await eventually(isAccepted, `${ids} are accepted`, 20_000);
  }

  hears(id: string): Promise<unknown> {
    return eventually(() => this.heard.includes(id), `${id} is heard`, 20_000);
  }

  hasReached(id: string): boolean {
    const cursor = parseCursor(this.cursors.get(id) ?? "");
    return cursor !== undefined && this.log.hasReached(cursor);
  }

  async history(): Promise<string[]> {
    const page = await this.log.read(undefined, 100_000);
    return (page?.entries ?? []).map(({ message }) => message.id);
  }
}

function message(id: string, topic = "chat"): Message {
  return { id, topics: [topic], data: JSON.stringify({ id }), private: false };
}

describe.skipIf(NO_REDIS)(
  `a log in Redis that fails${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`,
  () => {
    const servers: RedisServer[] = [];
    const networks: FaultyNetwork[] = [];
    const logs: MessageLog[] = [];
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await start({ isDurable: true });
    });
    afterEach(async () => {
      for (const log of logs.splice(0)) {
        await log.close();
        await log.release?.();
      }
      for (const network of networks.splice(0)) await network.close();
      for (const server of servers.splice(0)) await server.stop();
    }, 60_000);

    async function start(options: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
      const server = await startRedis(options);
      servers.push(server);
      return server;
    }

    async function open(url = redis.url, options: LogOptions = {}): Promise<ProcessUnderTest> {
      const sequencer = new RedisSequencer({ ...options, url });
      const log = await openReplicaLog({ ...options, sequencer });
      logs.push(log);
      return new ProcessUnderTest(log);
    }

    async function network(port = redis.port): Promise<FaultyNetwork> {
      const started = await startFaultyNetwork(port);
      networks.push(started);
      return started;
    }

    it("restarts without a loss: no gap, and every cursor stays good", async () => {
      const [a, b] = [await open(), await open()];
      await a.append("m1", "m2");
      await b.hears("m2");
      await redis.kill();
      await redis.start();
      await b.appendUntilAccepted("m3");
      await a.hears("m3");
      await b.hears("m3");
      for (const one of [a, b]) {
        expect(one.heard).toEqual(["m1", "m2", "m3"]);
        expect(["m1", "m2", "m3"].map((id) => one.hasReached(id))).toEqual([true, true, true]);
      }
      const epochs = ["m2", "m3"].map((id) => parseCursor(a.cursors.get(id) ?? "")?.epoch);
      expect(new Set(epochs).size).toBe(2);
      expect(await a.append("m2")).toEqual([{ id: "m2", duplicate: true }]);
    });

    it("restores an old copy: the lost tail is told, and its cursors are refused", async () => {
      const [a, b] = [await open(), await open()];
      await a.append("m1", "m2");
      await b.hears("m2");
      const copy = redis.copy();
      await a.append("lost1", "lost2");
      await b.hears("lost2");
      await redis.kill();
      redis.restore(copy);
      await redis.start();
      // The publisher of a lost message sends it again.
      await b.appendUntilAccepted("lost2", "m3");
      await a.hears("m3");
      await b.hears("m3");
      for (const one of [a, b]) {
        expect(one.heard).toEqual(["m1", "m2", "lost1", "lost2", "gap", "lost2", "m3"]);
        expect(one.gaps).toEqual([{ validTo: 2 }]);
        expect(await one.history()).toEqual(["m1", "m2", "lost2", "m3"]);
        expect(one.hasReached("m2")).toBe(true);
        expect(one.hasReached("lost1")).toBe(false);
        expect(one.hasReached("m3")).toBe(true);
      }
    });

    it("loses everything: FLUSHALL is told, and the log begins anew", async () => {
      const [a, b] = [await open(), await open()];
      await a.append("m1", "m2");
      await b.hears("m2");
      await redis.command("FLUSHALL");
      await a.appendUntilAccepted("m3");
      await a.hears("m3");
      await b.hears("m3");
      for (const one of [a, b]) {
        expect(one.heard).toEqual(["m1", "m2", "gap", "m3"]);
        expect(await one.history()).toEqual(["m3"]);
        expect(one.hasReached("m2")).toBe(false);
      }
    });

    it("fails over to a replica that lags: the lost tail is told", async () => {
      const replica = await start({
        args: ["--replicaof", "127.0.0.1", String(redis.port), "--repl-diskless-sync-delay", "0"],
      });
      const line = await network();
      const [a, b] = [await open(line.url), await open(line.url)];
      await a.append("m1", "m2");
      await b.hears("m2");
      const isUp = async () =>
        (await replica.command("INFO", "replication")).includes("link_status:up");
      await eventually(isUp, "the replica is in sync");
      const caughtUp = async () =>
        (await replica.command("XLEN", "{pocketwire}:0:log")).startsWith(":2");
      await eventually(caughtUp, "the replica has both messages");
      await replica.command("REPLICAOF", "NO", "ONE");
      await a.append("lost1");
      await b.hears("lost1");
      line.retarget(replica.port);
      line.cut();
      await a.appendUntilAccepted("m3");
      await a.hears("m3");
      await b.hears("m3");
      for (const one of [a, b]) {
        expect(one.heard).toEqual(["m1", "m2", "lost1", "gap", "m3"]);
        expect(one.gaps).toEqual([{ validTo: 2 }]);
        expect(one.hasReached("m2")).toBe(true);
        expect(one.hasReached("lost1")).toBe(false);
      }
    });

    it("has no memory left: nothing is half done, and storing works again afterwards", async () => {
      const a = await open();
      await a.append("m1");
      await redis.command("CONFIG", "SET", "maxmemory", "1");
      await expect(a.append("m2", "m3")).rejects.toMatchObject({ code: "storage_failed" });
      expect(() => a.log.assertWritable?.()).toThrow(/maxmemory/);
      await redis.command("CONFIG", "SET", "maxmemory", "0");
      expect(await a.append("m3", "m2")).toEqual([
        { id: "m3", duplicate: false },
        { id: "m2", duplicate: false },
      ]);
      expect(() => a.log.assertWritable?.()).not.toThrow();
      expect(a.heard).toEqual(["m1", "m3", "m2"]);
    });

    it("is a read-only replica: the message is refused, and the next server is used", async () => {
      const line = await network();
      const a = await open(line.url);
      await a.append("m1");
      const replica = await start({ args: ["--replicaof", "127.0.0.1", String(redis.port)] });
      const hasOne = async () =>
        (await replica.command("XLEN", "{pocketwire}:0:log")).startsWith(":1");
      await eventually(hasOne, "the replica has the message");
      line.retarget(replica.port);
      line.cut();
      await eventually(
        () =>
          a.append("m2").then(
            () => false,
            (error) => error.code === "storage_failed",
          ),
        "the message is refused",
      );
      line.retarget(redis.port);
      line.cut();
      await a.appendUntilAccepted("m2");
      await a.hears("m2");
      expect(a.heard).toEqual(["m1", "m2"]);
    });

    it("forgets its scripts", async () => {
      const a = await open();
      await a.append("m1");
      await redis.command("SCRIPT", "FLUSH");
      await a.append("m2");
      expect(a.heard).toEqual(["m1", "m2"]);
    });

    it("loses the answer to an append: the message is appended once", async () => {
      const line = await network();
      const [a, b] = [await open(line.url), await open()];
      await a.append("m1");
      line.swallowAnswerTo('"id":"m2"');
      await a.append("m2");
      expect(line.swallowed()).toBe(1);
      await a.append("m3");
      await b.hears("m3");
      await a.hears("m3");
      expect(a.heard).toEqual(["m1", "m2", "m3"]);
      expect(b.heard).toEqual(["m1", "m2", "m3"]);
    });

    it("does not answer for a while: the publisher is refused, and nothing is lost", async () => {
      const line = await network();
      const [a, b] = [await open(line.url), await open()];
      await a.append("m1");
      line.goDark();
      const refused = await within(
        a.append("m2").then(
          () => undefined,
          (error) => error,
        ),
        20_000,
        "the append is answered",
      );
      expect(refused).toMatchObject({ code: "unreachable" });
      await b.append("m3");
      line.goLight();
      await a.appendUntilAccepted("m2");
      await a.hears("m3");
      await a.hears("m2");
      await b.hears("m2");
      expect(a.heard).toEqual(b.heard);
      expect(a.gaps).toEqual([]);
      expect([...a.heard].sort()).toEqual(["m1", "m2", "m3"]);
    }, 60_000);

    it("is away for longer than the stream keeps: the process is told, and goes on", async () => {
      const line = await network();
      const history = { messages: 100 };
      const [a, b] = [await open(undefined, { history }), await open(line.url, { history })];
      await a.append("m1");
      await b.hears("m1");
      line.goDark();
      for (let batch = 0; batch < 25; batch++) {
        await a.append(...Array.from({ length: 1000 }, (_, index) => `n${batch}-${index}`));
      }
      line.goLight();
      await a.append("m2");
      await b.hears("m2");
      // A page may have been on its way when the network failed.
      const gap = b.heard.indexOf("gap");
      expect(b.gaps).toEqual([{ validTo: gap }]);
      expect(b.heard.slice(0, gap)).toEqual(a.heard.slice(0, gap));
      expect(await b.history()).toEqual(await a.history());
      // After the gap, the process has heard every message that the stream still had.
      const rest = b.heard.slice(gap + 1);
      expect(a.heard.slice(-rest.length)).toEqual(rest);
      expect(rest.length).toBeGreaterThan(9000);
    }, 60_000);

    it("erases messages in the stream while others are appended", async () => {
      const topics = [{ match: "kept", keep: 5 }];
      const [a, b] = [await open(undefined, { topics }), await open(undefined, { topics })];
      const many = (topic: string, name: string) =>
        Array.from({ length: 700 }, (_, index) => message(`${name}${index}`, topic));
      await a.log.append([...many("secret", "s"), ...many("kept", "k"), ...many("chat", "c")]);
      const erasing = a.log.erase("secret");
      await b.log.append(many("other", "o"));
      expect(await erasing).toBe(700);
      await b.log.append(many("secret", "later"));
      await a.append("end");
      await b.hears("end");
      for (const one of [a, b, await open(undefined, { topics })]) {
        const ids = await one.history();
        expect(ids.filter((id) => /^s\d/.test(id))).toEqual([]);
        expect(ids.filter((id) => /^later/.test(id))).toHaveLength(700);
        expect(ids.filter((id) => /^[kco]\d/.test(id))).toHaveLength(2100);
      }
      const stream = await redis.command("XRANGE", "{pocketwire}:0:log", "-", "+");
      expect(stream).toContain('"id":"later0"');
      expect(stream).not.toContain('"id":"s0"');
      expect(await b.log.erase("kept")).toBe(700);
      expect((await (await open(undefined, { topics })).log.stats()).kept).toMatchObject({
        topics: 0,
        messages: 0,
      });
    });

    it("refuses a revoked publisher, although this process does not know of the revocation yet", async () => {
      const [a, b] = [await open(), await open()];
      const { at } = (await a.log.sharedRevocations?.revoke("anna")) ?? { at: 0 };
      const publisher = { identity: "anna", issuedAt: at };
      await expect(b.log.append([message("m1")], publisher)).rejects.toMatchObject({
        code: "revoked",
      });
      const later = { identity: "anna", issuedAt: at + 1 };
      await b.log.append([message("m1")], later);
      expect((await open()).log.sharedRevocations?.all()).toEqual([{ subject: "anna", at }]);
    });
  },
);
