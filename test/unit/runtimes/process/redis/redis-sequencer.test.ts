import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LogOptions } from "../../../../../src/log/log.ts";
import type { SequencedEntry } from "../../../../../src/log/replica/sequencer.ts";
import type { Message } from "../../../../../src/realtime/types.ts";
import { RedisSequencer } from "../../../../../src/runtimes/process/redis/redis-sequencer.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../../../../support/redis-server.ts";

function message(id: string, topics: readonly string[], data = "{}"): Message {
  return { id, topics, data, private: false };
}

describe.skipIf(NO_REDIS)(`RedisSequencer${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  const opened: RedisSequencer[] = [];
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    for (const sequencer of opened) await sequencer.close();
    await redis.stop();
  });

  function open(prefix: string, options: LogOptions = {}, url = redis.url): RedisSequencer {
    const topics = [{ match: "*", keep: 3 }];
    const sequencer = new RedisSequencer({ url, prefix, topics, ...options });
    opened.push(sequencer);
    return sequencer;
  }

  function append(sequencer: RedisSequencer, ...messages: readonly Message[]) {
    return sequencer.append([{ messages }]);
  }

  async function keptIds(sequencer: RedisSequencer): Promise<string[]> {
    const entries: SequencedEntry[] = [];
    for await (const page of sequencer.kept()) entries.push(...page);
    return entries.map(({ content }) => (content.kind === "message" ? content.message.id : ""));
  }

  it("goes on keeping messages after a message to two topics exceeded the limit by itself", async () => {
    const sequencer = open("large", { kept: { bytes: 100 } });
    const large = JSON.stringify("x".repeat(200));
    for (const id of ["1", "2", "3"]) await append(sequencer, message(id, ["a", "b"], large));
    expect(await keptIds(sequencer)).toEqual([]);
    await append(sequencer, message("small", ["a", "b"]));
    expect(await keptIds(sequencer)).toEqual(["small"]);
  });

  it("forgets the first topic of a message before its last topic", async () => {
    const sequencer = open("order", { kept: { topics: 1 } });
    await append(sequencer, message("both", ["b", "a"]));
    expect(await redis.command("ZCARD", "{order}:0:keptindex")).toBe(":1\r\n");
    await append(sequencer, message("next", ["a"]));
    expect((await keptIds(sequencer)).sort()).toEqual(["both", "next"]);
  });

  it.each(["half\ud800", "half\udc00\\", "\\ud800", "\\\ud800"])(
    "erases a topic after a message with the id %j",
    async (id) => {
      const sequencer = open(`surrogate-${encodeURIComponent(JSON.stringify(id))}`);
      await append(sequencer, message(id, ["other"]), message("m", ["chat"]));
      await sequencer.erase("chat");
      expect(await keptIds(sequencer)).toEqual([id]);
      const entries = await sequencer.after({ sequence: 0, index: 0 });
      expect(entries.map(({ content }) => content.kind)).toEqual(["message", "erased", "erasure"]);
    },
  );

  it("has erased the kept messages when the entry of the erasure can't be appended", async () => {
    const sequencer = open("dies");
    await append(sequencer, message("m", ["chat"]), message("other", ["other"]));
    await redis.command("DEL", "{dies}:0:log");
    await redis.command("SET", "{dies}:0:log", "not a stream");
    await expect(sequencer.erase("chat")).rejects.toMatchObject({ code: "storage_failed" });
    expect(await keptIds(sequencer)).toEqual(["other"]);
  });

  it("refuses an expired id too when the memory is full", async () => {
    let now = 1_000_000_000_000;
    const limits = { rememberedIds: { maxAge: 1000 }, now: () => now };
    const sequencer = open("full", limits);
    await append(sequencer, message("m", ["chat"]));
    now += 1000;
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    const refused = append(sequencer, message("m", ["chat"]));
    await expect(refused).rejects.toThrow("maxmemory");
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    expect(await append(sequencer, message("m", ["chat"]))).toMatchObject([
      { kind: "appended", receipts: [{ duplicate: false }], position: { sequence: 2 } },
    ]);
  });

  it("says that another version or another program wrote the keys", async () => {
    const sequencer = open("format");
    await sequencer.join();
    await redis.command("HSET", "{format}:0:meta", "format", "2");
    await expect(sequencer.join()).rejects.toThrow("Another version of Pocketwire");
    await redis.command("DEL", "{format}:0:meta");
    await redis.command("SET", "{format}:0:meta", "not a hash");
    await expect(sequencer.join()).rejects.toThrow("Another program");
  });

  it("says that the user lacks a permission that a script needs", async () => {
    await redis.command("ACL", "SETUSER", "user", "on", ">secret", "~*", "+@all", "-info");
    const sequencer = open("acl", {}, redis.url.replace("//", "//user:secret@"));
    const refused = sequencer.join();
    await expect(refused).rejects.toMatchObject({ code: "storage_failed" });
    await expect(refused).rejects.toThrow("lacks a permission");
  });
});
