import { afterAll, beforeAll, describe } from "vitest";
import { openReplicaLog } from "../../src/log/replica/replica-log.ts";
import { RedisSequencer } from "../../src/runtimes/process/redis/redis-sequencer.ts";
import { logSuite } from "../suites/log.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";

describe.skipIf(NO_REDIS)(`a log in Redis${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  let redis: RedisServer;
  let number = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  logSuite("Redis", (options) => {
    number += 1;
    // The models expect the number of remembered ids that a log of one process has.
    const all = { ...options, rememberedIds: { count: 10_000, maxAge: 300_000 } };
    const sequencer = new RedisSequencer({ ...all, url: redis.url, prefix: `log-${number}` });
    return openReplicaLog({ ...all, sequencer });
  });
});
