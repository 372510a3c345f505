import { createArrivalClock } from "../../src/realtime/clock.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import type { PresenceOptions } from "../../src/realtime/presence/presence-core.ts";
import type { LogFields, Logger } from "../../src/realtime/types.ts";
import { homeOf } from "../../src/registry/cluster/home.ts";
import { createClusterRegistry } from "../../src/registry/cluster/registry.ts";
import type {
  ClientRegistry,
  OccupancyListener,
  RegistryStats,
} from "../../src/registry/registry.ts";
import { FakePresence } from "./fake-presence.ts";
import { type MemoryBus, MemoryNetwork } from "./memory-bus.ts";
import { SharedMemoryLog } from "./shared-memory-log.ts";

/** A log line of a process. */
export type LoggedLine = LogFields & { readonly level: keyof Logger; readonly msg: string };

/** One process of a cluster in memory. */
export interface ClusterProcess {
  readonly home: string;
  readonly registry: ClientRegistry;
  readonly bus: MemoryBus;
  readonly logged: LoggedLine[];
}

/** Options of `openCluster`. */
export interface ClusterOptions {
  readonly size?: number;
  readonly authGrace?: number;
  /** The wall clock of the process with this index. */
  readonly nowOf?: (index: number) => () => number;
  /** Default: the processes have no presence. */
  readonly presence?: PresenceOptions;
  readonly onOccupancy?: OccupancyListener;
}

/** Processes that share a log and a bus, all in memory. */
export interface Cluster {
  /** The first processes, sorted by `home`. */
  readonly processes: readonly ClusterProcess[];
  readonly network: MemoryNetwork;
  readonly log: SharedMemoryLog;
  /** The members of topics. Set with the option `presence`. */
  readonly presence: FakePresence | undefined;
  /** Starts one more process. */
  start(): ClusterProcess;
  /** Closes all processes. */
  close(): Promise<void>;
}

/** Opens a cluster of three processes. */
export function openCluster(options: ClusterOptions = {}): Cluster {
  const { size = 3, authGrace, nowOf, presence, onOccupancy } = options;
  const network = new MemoryNetwork();
  const log = new SharedMemoryLog();
  const fake = presence && new FakePresence(log.log);
  const started: ClusterProcess[] = [];
  const start = (bus = network.connect()): ClusterProcess => {
    const index = started.length;
    const now = nowOf?.(index) ?? Date.now;
    const logged: LoggedLine[] = [];
    const registry = createClusterRegistry({
      manager: new RealtimeManager({ authGrace, now, presence }),
      log: log.open(fake),
      now,
      bus,
      nextArrival: createArrivalClock(now),
      logger: recordingLogger(logged),
      onOccupancy,
    });
    const process = { home: bus.home, registry, bus, logged };
    started.push(process);
    return process;
  };
  const close = async () => {
    await Promise.all(started.map(({ registry }) => registry.close()));
  };
  const buses = Array.from({ length: size }, () => network.connect());
  buses.sort((a, b) => (a.home < b.home ? -1 : 1));
  return {
    processes: buses.map((bus) => start(bus)),
    network,
    log,
    presence: fake,
    start: () => start(),
    close,
  };
}

function recordingLogger(lines: LoggedLine[]): Logger {
  const record =
    (level: "debug" | "info" | "warn" | "error") => (msg: string, fields?: LogFields) =>
      void lines.push({ ...fields, level, msg });
  return {
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
  };
}

/**
 * A registry that passes each call on to the next of several processes, as a load balancer does. A call for a client never goes to
 * the process of the client. `close` closes all processes. Afterwards, a call for a client goes to the closed process of the client.
 *
 * @param settle Waits until all processes have received what was published or erased.
 */
export function roundRobin(
  registries: ReadonlyMap<string, ClientRegistry>,
  settle: () => Promise<void> = async () => {},
): ClientRegistry {
  const homes = [...registries.keys()];
  let turn = 0;
  let isClosed = false;
  const next = (clientId = ""): ClientRegistry => {
    const own = homeOf(clientId);
    const candidates = homes.filter((home) => own === undefined || (home === own) === isClosed);
    turn += 1;
    const registry = registries.get(candidates[turn % candidates.length] ?? "");
    if (registry === undefined) throw new Error("A cluster needs at least two processes.");
    return registry;
  };
  const revoked = (target: Parameters<ClientRegistry["revoke"]>[0]) =>
    "clientId" in target ? target.clientId : undefined;
  return {
    open: (request) => next().open(request),
    setSubscriptions: (clientId, request) => next(clientId).setSubscriptions(clientId, request),
    publish: async (messages, publisher) => {
      const receipts = await next().publish(messages, publisher);
      await settle();
      return receipts;
    },
    history: (request, reader) => next().history(request, reader),
    send: (clientId, event, data) => next(clientId).send(clientId, event, data),
    clients: (page) => next().clients(page),
    client: (clientId) => next(clientId).client(clientId),
    topics: (page) => next().topics(page),
    members: (topic, reader) => next().members(topic, reader),
    extendInfo: (request) => next(request.clientId).extendInfo(request),
    disconnect: (clientId) => next(clientId).disconnect(clientId),
    revoke: (target) => next(revoked(target)).revoke(target),
    erase: async (topic) => {
      const erased = await next().erase(topic);
      await settle();
      return erased;
    },
    stats: async () => withoutProcesses(await next().stats()),
    close: async () => {
      isClosed = true;
      await Promise.all([...registries.values()].map((registry) => registry.close()));
    },
  };
}

/** The contract of a registry has no `processes`. */
function withoutProcesses({ processes: _, ...stats }: RegistryStats): RegistryStats {
  return stats;
}
