import { spawnSync } from "node:child_process";

/** Why tests with Redis are left out here. Undefined if `redis-server` is installed. */
export const NO_REDIS: string | undefined =
  spawnSync("redis-server", ["--version"]).status === 0
    ? undefined
    : "redis-server is not installed (apt-get install redis-server)";
