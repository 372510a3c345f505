import { Hono } from "hono";
import { createMemoryLog } from "../log/memory.ts";
import { RealtimeManager } from "../realtime/manager.ts";
import { TopicRules } from "../realtime/topic-rules.ts";
import type { Milliseconds } from "../realtime/units.ts";
import { createClusterRegistry } from "../registry/cluster/registry.ts";
import { createInProcessRegistry } from "../registry/in-process/registry.ts";
import type { OccupancyListener } from "../registry/registry.ts";
import { IntervalHeartbeat, SharedHeartbeat } from "../stream/heartbeat.ts";
import { openHonoSink } from "../stream/hono-sink.ts";
import { Teller } from "./callbacks/teller.ts";
import { checkLogOptions } from "./check-log-options.ts";
import { renderTemplate } from "./console/render.ts";
import { RequestQueue } from "./middleware/request-queue.ts";
import type { ServerOptions } from "./options.ts";
import {
  type Basics,
  createServerWith,
  type RealtimeServer,
  type RegistryAndManager,
} from "./server-core.ts";

export type { RealtimeServer } from "./server-core.ts";

/**
 * Creates the service. It does not listen, and it runs no timer until a request arrives.
 *
 * @throws RealtimeError `invalid_config` for an unknown option or hook, for an admin key that is not 16 to 255 visible ASCII
 *   characters, for topic rules that are invalid, and for access rules that are invalid or are given together with a registry or
 *   a manager.
 * @example
 * ```ts
 * const app = new Hono();
 * const realtime = createServer({ adminKey: process.env.ADMIN_KEY, runtime: nodeRuntime });
 * app.route("/", realtime.app);
 * await realtime.publish({ topic: "news", data: { title: "Hello" } });
 * ```
 */
export function createServer(options: ServerOptions = {}): RealtimeServer {
  checkLogOptions(options);
  const { registry } = options;
  const createRegistry = (basics: Basics) => {
    const { callbacks } = options;
    const settings = { logger: basics.logger, now: basics.clocks.now };
    const teller = callbacks?.tell && new Teller(callbacks, settings);
    const parts =
      registry === undefined
        ? createDefaultRegistry(options, basics, teller)
        : { registry, realtimeManager: undefined };
    return { ...parts, teller };
  };
  const parts = {
    app: new Hono(),
    createRegistry,
    openSink: (...args: Parameters<typeof openHonoSink>) => ({ sink: openHonoSink(...args) }),
    createHeartbeat: (interval: Milliseconds, isOneProcess: boolean) =>
      isOneProcess ? new SharedHeartbeat(interval) : new IntervalHeartbeat(interval),
    requestQueue: new RequestQueue(options.runtime?.nextTurn),
    templates: renderTemplate,
  };
  return createServerWith(parts, options);
}

/** A registry in this process, over the manager and log of the options or new ones. */
function createDefaultRegistry(
  options: ServerOptions,
  { limits, logger, clocks }: Basics,
  teller: Teller | undefined,
): RegistryAndManager {
  const { tell = [] } = options.callbacks ?? {};
  const tracksOccupancy = tell.includes("occupied") || tell.includes("vacated");
  const realtimeManager =
    options.realtimeManager ??
    new RealtimeManager({
      ...limits,
      ...clocks,
      logger,
      tracing: options.tracing,
      checkAddress: options.checkAddress,
      anonymous: options.anonymous,
      rules: options.rules,
      presence: {
        topics: new TopicRules(options.topics),
        grace: options.presenceGrace,
        tracksOccupancy,
      },
    });
  const kept = { bytes: limits.keptBytes, topics: limits.keptTopics };
  const log =
    options.log ??
    createMemoryLog({
      ...clocks,
      history: options.history,
      rememberedIds: options.rememberedIds,
      topics: options.topics,
      kept,
    });
  const { bus } = options;
  const { now, nextArrival } = clocks;
  const onOccupancy: OccupancyListener = (topic, type) => teller?.tell({ type, topic });
  const registry =
    bus === undefined
      ? createInProcessRegistry({ manager: realtimeManager, log, now, onOccupancy })
      : createClusterRegistry({
          ...{ manager: realtimeManager, log, now, bus, nextArrival, logger },
          onOccupancy,
        });
  return { registry, realtimeManager };
}
