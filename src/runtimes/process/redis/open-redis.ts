import type { LogOptions, MessageLog } from "../../../log/log.ts";
import { openReplicaLog } from "../../../log/replica/replica-log.ts";
import type { Clocks } from "../../../realtime/clock.ts";
import { RealtimeError } from "../../../realtime/errors.ts";
import { protectLogger } from "../../../realtime/protected-logger.ts";
import type { Logger } from "../../../realtime/types.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import type { Bus } from "../../../registry/cluster/bus.ts";
import { RedisBus } from "./redis-bus.ts";
import { DEFAULT_PREFIX, RedisSequencer } from "./redis-sequencer.ts";
import { checkRedisSettings, type RedisSettings } from "./settings.ts";

export type { RedisSettings } from "./settings.ts";

/** Options of `openRedis`. All processes must use the same Redis, the same `prefix` and the same options of the log. */
export interface RedisOptions extends RedisSettings, LogOptions, Clocks {
  readonly logger?: Logger | undefined;
}

/** The parts of a service that share messages and clients with other processes: options of `createServer`. */
export interface RedisParts {
  readonly log: MessageLog;
  readonly bus: Bus;
}

/** Time until a process that can't reach Redis when it starts gives up. */
const OPEN_TIMEOUT: Milliseconds = 5000;
const OPEN_DELAY: Milliseconds = 250;

/**
 * Connects to Redis and loads the history. The parts belong to one server: the server's `close` closes them.
 *
 * @throws RealtimeError `unreachable` if Redis does not answer within five seconds; `storage_failed` if Redis refuses commands;
 *   `invalid_config` if a setting is wrong, or if the package `redis` is missing.
 * @example
 * const redis = await openRedis({ url: "redis://127.0.0.1:6379" });
 * const server = createServer({ ...redis, adminKey: process.env.ADMIN_KEY });
 */
export async function openRedis(options: RedisOptions): Promise<RedisParts> {
  checkRedisSettings(options);
  const { url, prefix = DEFAULT_PREFIX, monotonicNow = () => performance.now() } = options;
  const logger = options.logger && protectLogger(options.logger, monotonicNow);
  const bus = new RedisBus({ url, prefix, logger });
  // The time of messages is the time of Redis. `now` of a server is the clock of its own process.
  const sequencer = new RedisSequencer({ ...options, now: undefined });
  const nextTurn = (run: () => void) => void setImmediate(run);
  try {
    const log = await retryUntilOpen(async () => {
      await bus.open();
      return openReplicaLog({ ...options, monotonicNow, sequencer, nextTurn, logger });
    });
    await warnOfEviction(sequencer, logger);
    const { messages } = await log.stats();
    logger?.info("connected to Redis", { process: bus.home, prefix, messages });
    return { log, bus };
  } catch (error) {
    await Promise.all([bus.close(), sequencer.close()]);
    throw isUnreachable(error) ? cannotConnect(error) : error;
  }
}

function isUnreachable(error: unknown): error is RealtimeError {
  return error instanceof RealtimeError && error.code === "unreachable";
}

/** Creates the error of a start. The message of the cause may contain an address, so only its code is shown. */
function cannotConnect({ cause }: RealtimeError): RealtimeError {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new RealtimeError(
    "unreachable",
    `Redis can't be reached${code}. Check that it is running, and that REDIS_URL and REDIS_READ_URL (the options url and readURL) are right.`,
    { cause },
  );
}

/** Redis must not delete the keys of the log when its memory is full. */
async function warnOfEviction(sequencer: RedisSequencer, logger: Logger | undefined) {
  const policy = await sequencer.evictionPolicy().catch(() => undefined);
  if (policy === undefined || policy === "noeviction") return;
  const hint = "set maxmemory-policy to noeviction; any other policy may delete messages";
  logger?.warn("Redis may delete messages", { policy, hint });
}

async function retryUntilOpen<T>(open: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + OPEN_TIMEOUT;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isUnreachable(error) || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, OPEN_DELAY));
    }
  }
}
