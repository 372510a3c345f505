/**
 * `pocketwire/bun`: `startServer` for programs, `bunRuntime` and `openDataLog` for apps that mount the service. Run as a
 * program, this file starts the service.
 */
import { startServer } from "./runtimes/bun/server.ts";
import { launchWorker } from "./runtimes/bun/workers.ts";
import { runProcess } from "./runtimes/process/run.ts";

export { openDataLog } from "./runtimes/bun/data-log.ts";
export { bunRuntime } from "./runtimes/bun/runtime.ts";
export type { DataSync } from "./runtimes/process/data-folder.ts";
export type { DataLogOptions } from "./runtimes/process/data-log.ts";
export type { RunningServer, StartOptions } from "./runtimes/process/listening.ts";
export {
  openRedis,
  type RedisOptions,
  type RedisParts,
  type RedisSettings,
} from "./runtimes/process/redis/open-redis.ts";
export { startServer };

if (import.meta.main) await runProcess(startServer, launchWorker);
