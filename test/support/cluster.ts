import { type RoundRobinProxy, startRoundRobinProxy } from "../../scripts/round-robin-proxy.mjs";
import { freePort } from "./free-port.mjs";
import { type RuntimeUnderTest, type Service, startService } from "./service.ts";

/** Several processes of the service behind a load balancer without sticky sessions. */
export interface Cluster {
  /** URL of the load balancer. */
  readonly url: string;
  readonly services: readonly Service[];
  /** Ends a process with SIGKILL, and starts another on the same port. */
  killAndRestart(index: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly redisURL: string;
  /** Default 3. */
  readonly processes?: number;
  /** Variables of all processes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Starts the processes and the load balancer. */
export async function startCluster(
  runtime: RuntimeUnderTest,
  { redisURL, processes = 3, env }: ClusterOptions,
): Promise<Cluster> {
  const settings = await Promise.all(
    Array.from({ length: processes }, async () => ({
      ...env,
      REDIS_URL: redisURL,
      PORT: await freePort(),
    })),
  );
  const services = await Promise.all(settings.map((one) => startService(runtime, { env: one })));
  const proxy: RoundRobinProxy = await startRoundRobinProxy(services.map(({ url }) => url));
  return {
    url: proxy.url,
    services,
    killAndRestart: async (index) => {
      await services[index]?.stop("SIGKILL");
      services[index] = await startService(runtime, { env: settings[index] ?? {} });
    },
    stop: async () => {
      await proxy.close();
      await Promise.all(services.map((service) => service.stop("SIGKILL")));
    },
  };
}
