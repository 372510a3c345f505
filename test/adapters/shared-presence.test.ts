import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { openReplicaLog } from "../../src/log/replica/replica-log.ts";
import { RedisSequencer } from "../../src/runtimes/process/redis/redis-sequencer.ts";
import { sharedPresenceSuite } from "../suites/shared-presence.ts";
import { FakePresence } from "../support/fake-presence.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";

sharedPresenceSuite("members in memory, which several processes share", async () => {
  const log = createMemoryLog();
  return { log, presence: new FakePresence(log), close: async () => log.close() };
});

describe.skipIf(NO_REDIS)(`presence in Redis${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  let redis: RedisServer;
  let prefixes = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const open = async () => {
    prefixes += 1;
    const sequencer = new RedisSequencer({ url: redis.url, prefix: `p${prefixes}` });
    const log = await openReplicaLog({ sequencer });
    const { presence } = sequencer;
    return { log, presence, close: async () => log.release?.() };
  };

  sharedPresenceSuite("members in Redis", open);

  it("deletes the keys of a topic without members, and those of a removed source", async () => {
    const { presence, close } = await open();
    const message = { private: true, ttl: undefined };
    const members = [{ id: "ann", info: {}, since: 1, updatedAt: 1 }];
    const part = {
      topic: "chat",
      isOccupied: true,
      guests: 1,
      present: members,
      left: [],
      message,
    };
    const call = { source: "a", number: 1, lease: 60_000 };
    await presence.apply({ ...call, kind: "first", parts: [part] });
    const keys = () => redis.command("KEYS", `{p${prefixes}}:0:presence:*`);
    expect(await keys()).toContain("presence:members:chat");
    const gone = { ...part, isOccupied: false, guests: 0, present: [], left: ["ann"] };
    await presence.apply({ ...call, kind: "next", number: 2, parts: [gone] });
    expect(await keys()).not.toContain("chat");
    await presence.renew("a", -1, false);
    await presence.retire("a");
    expect(await keys()).toBe("*0\r\n");
    await close();
  });
});
