import { openReplicaLog } from "../../src/log/replica/replica-log.ts";
import { RedisSequencer } from "../../src/runtimes/process/redis/redis-sequencer.ts";
import { logSuite } from "../suites/log.ts";

let number = 0;
logSuite("Redis", (options) => {
  number += 1;
  const prefix = `test-${process.pid}-${number}`;
  const rememberedIds = { count: 10_000, maxAge: 300_000 };
  const all = { ...options, rememberedIds };
  const sequencer = new RedisSequencer({ ...all, url: "redis://127.0.0.1:7391", prefix });
  return openReplicaLog({ ...all, sequencer });
});
