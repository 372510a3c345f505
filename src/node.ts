/**
 * `pocketwire/node`: `startServer` for programs, `nodeRuntime` and `openDataLog` for apps that mount the service. Run as a
 * program, this file starts the service.
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startServer } from "./runtimes/node/server.ts";
import { launchWorker } from "./runtimes/node/workers.ts";
import { runProcess } from "./runtimes/process/run.ts";

export { openDataLog } from "./runtimes/node/data-log.ts";
export { nodeRuntime } from "./runtimes/node/runtime.ts";
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

const isProgram =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) await runProcess(startServer, launchWorker);
