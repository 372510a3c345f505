import { fileURLToPath, pathToFileURL } from "node:url";
import { startCluster } from "../support/cluster.ts";
import { measured } from "../support/measured.ts";
import { startRedis } from "../support/redis-server.ts";
import {
  BUN,
  NODE,
  type RuntimeUnderTest,
  type Service,
  startService,
} from "../support/service.ts";
import { JWT_SECRET } from "../support/tokens.ts";
import type { SoakSettings } from "./settings.ts";

/** The service under load: one process, or three behind a load balancer. */
export interface SoakedService {
  /** Where clients connect. */
  readonly url: string;
  readonly services: readonly Service[];
  stop(): Promise<void>;
}

/** The topics of visitors have members. */
const RULES = [{ match: "hall/*", presence: true }];

/** Messages that the service keeps. The soak fills the history before its first round, because a growing history is not a leak. */
export const HISTORY = 1500;

const ENV = {
  LOG_LEVEL: "info",
  REALTIME_JWT_SECRET: JWT_SECRET,
  REALTIME_TOPICS: JSON.stringify(RULES),
  REALTIME_HISTORY_MESSAGES: String(HISTORY),
  REALTIME_REMEMBER_IDS: String(HISTORY),
  REALTIME_MAX_BUFFERED_BYTES: "262144",
  REALTIME_PRESENCE_GRACE_SECONDS: "0.5",
  REALTIME_PING_SECONDS: "2",
};

export async function startSoaked(settings: SoakSettings): Promise<SoakedService> {
  const runtime = withLeak(measured(settings.runtime === "bun" ? BUN : NODE), settings.leak);
  if (!settings.isCluster) {
    const service = await startService(runtime, { env: ENV });
    return { url: service.url, services: [service], stop: () => stopOne(service) };
  }
  const redis = await startRedis();
  const cluster = await startCluster(runtime, { redisURL: redis.url, env: ENV });
  return {
    url: cluster.url,
    services: cluster.services,
    stop: async () => {
      await cluster.stop();
      await redis.stop();
    },
  };
}

async function stopOne(service: Service): Promise<void> {
  const code = await service.stop();
  if (code !== 0) throw new Error(`The service ended with ${code}:\n${service.output()}`);
}

/** Loads a module that leaks into the service's process. */
function withLeak(runtime: RuntimeUnderTest, bytes: number): RuntimeUnderTest {
  if (bytes === 0) return runtime;
  const leak = pathToFileURL(fileURLToPath(new URL("leak.mjs", import.meta.url)));
  return {
    ...runtime,
    command: (settings) => {
      const [program, ...args] = runtime.command(settings);
      return [program, "--import", `${leak.href}?bytes=${bytes}`, ...args];
    },
  };
}
