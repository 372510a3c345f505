import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MessageLog } from "../../src/log/log.ts";
import { openReplicaLog } from "../../src/log/replica/replica-log.ts";
import type { Message } from "../../src/realtime/types.ts";
import { RedisSequencer } from "../../src/runtimes/process/redis/redis-sequencer.ts";
import { eventually } from "../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";

const message = (id: string): Message => ({ id, topics: ["chat"], data: "1", private: false });

/**
 * This version ignores unknown fields in entries of the next version, and ignores entries of an unknown kind. If a change needs
 * more than that, it must raise `format` in `script-prelude.ts`.
 */
describe.skipIf(NO_REDIS)(
  `a log over Redis with entries of a newer version${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`,
  () => {
    const PREFIX = "mixed";
    const logs: MessageLog[] = [];
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await startRedis();
    });
    afterEach(async () => {
      for (const log of logs.splice(0)) {
        await log.close();
        await log.release?.();
      }
      await redis.stop();
    });

    async function open(): Promise<{ log: MessageLog; heard: Message[] }> {
      const topics = [{ match: "kept/*", keep: 2 }];
      const sequencer = new RedisSequencer({ url: redis.url, prefix: PREFIX, topics });
      const log = await openReplicaLog({ sequencer, topics });
      logs.push(log);
      const heard: Message[] = [];
      log.tail(
        (entries) => void heard.push(...entries.map((entry) => entry.message)),
        () => expect.unreachable("No message is missing."),
      );
      return { log, heard };
    }

    /** Appends, as the script of a newer version might, message 2 with unknown fields, and then an entry of an unknown kind. */
    async function appendAsNewerVersion(): Promise<void> {
      const meta = `{${PREFIX}}:0:meta`;
      const log = `{${PREFIX}}:0:log`;
      const epoch = (await redis.command("HGET", meta, "epoch")).split("\r\n")[1] ?? "";
      const header = { id: "new", topics: ["chat"], language: "de", priority: { of: 3 } };
      const base = ["e", epoch, "t", String(Date.now()), "b", "10"];
      const body = ["h", JSON.stringify(header), "d", '"data"', "c", ""];
      await redis.command("HSET", meta, "seq", "2", "index", "1", "compression", "none");
      const answer = await redis.command("XADD", log, "2-0", ...base, ...body, "z", "later");
      expect(answer).toContain("2-0");
      await redis.command("XADD", log, "2-1", ...base, "k", "a kind of later", "d", "x", "z", "1");
    }

    it("goes on, and delivers what it knows of a message", async () => {
      const { log, heard } = await open();
      await log.append([message("m1")]);
      await appendAsNewerVersion();
      await eventually(() => heard.length === 2, "the message of the newer version arrives");
      const [receipt] = await log.append([message("m3")]);
      expect(receipt).toEqual({ id: "m3", duplicate: false });
      await eventually(() => heard.length === 3, "the next message arrives");
      expect(heard).toEqual([
        message("m1"),
        { id: "new", topics: ["chat"], data: '"data"', private: false },
        message("m3"),
      ]);
    });

    it("loads them as history, and leaves the fields of the newer version in Redis", async () => {
      const { log } = await open();
      await log.append([message("m1")]);
      await appendAsNewerVersion();
      const later = await open();
      await later.log.append([message("m3")]);
      const page = await later.log.read(undefined, 10);
      expect(page?.entries.map((entry) => entry.message.id)).toEqual(["m1", "new", "m3"]);
      const kept = await redis.command("XRANGE", `{${PREFIX}}:0:log`, "2-0", "2-0");
      expect(kept).toContain('"language":"de"');
      expect(kept).toContain("later");
      expect(await redis.command("HGET", `{${PREFIX}}:0:meta`, "compression")).toContain("none");
    });

    it("can't be used any more when the newer version has raised the format, and says so", async () => {
      const { log } = await open();
      await log.append([message("m1")]);
      await redis.command("HSET", `{${PREFIX}}:0:meta`, "format", "2");
      await expect(log.append([message("m2")])).rejects.toThrow("Another version");
      await expect(log.append([message("m2")])).rejects.toMatchObject({ code: "storage_failed" });
      expect(() => log.assertWritable?.()).toThrow("Another version");
      await expect(open()).rejects.toThrow("Another version");
    });
  },
);
