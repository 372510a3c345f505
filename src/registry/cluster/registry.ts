import type { HistoryPage, HistoryRequest } from "../../log/history.ts";
import type { PublishReceipt } from "../../log/log.ts";
import type { SharedPresence } from "../../log/shared-presence.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { MembersEvent } from "../../realtime/presence/presence.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import { toJSONLine } from "../../realtime/sse.ts";
import type {
  ClientInfo,
  Logger,
  Message,
  Principal,
  Revocation,
  SubscribeRequest,
} from "../../realtime/types.ts";
import { type InProcessOptions, InProcessRegistry } from "../in-process/registry.ts";
import { mergeProcessStats } from "../merge.ts";
import type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  InfoRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { listClientsOf, listTopicsOf } from "../shard-lists.ts";
import type { Bus } from "./bus.ts";
import { ClusterPresence } from "./cluster-presence.ts";
import { homeOf } from "./home.ts";
import { createBusHandler, createProcessCalls } from "./process-calls.ts";
import { Processes } from "./processes.ts";

/**
 * Milliseconds by which rounding of the clocks may make a waiting time appear too long. They are subtracted from each waiting
 * time.
 */
const ROUNDING = 2;

/** Options of `createClusterRegistry`. */
export interface ClusterRegistryOptions extends Omit<InProcessOptions, "home" | "createPresence"> {
  /** Connects this process with the others. The registry's `close` closes the bus. */
  readonly bus: Bus;
  /** The clock for the arrival of requests (`createArrivalClock`), which the server also uses. */
  readonly nextArrival: () => number;
  readonly logger?: Logger | undefined;
}

/**
 * Creates a registry of clients that are connected to several processes. The processes share a log (`openReplicaLog`). A request
 * for a client of another process is forwarded over the bus, so a load balancer needs no sticky sessions. Limits of clients and
 * keys apply to each process.
 */
export function createClusterRegistry(options: ClusterRegistryOptions): ClientRegistry {
  return new ClusterRegistry(options);
}

class ClusterRegistry implements ClientRegistry {
  readonly #local: InProcessRegistry;
  readonly #bus: Bus;
  /** Resolves when the other processes know this one. */
  readonly #started: Promise<void>;
  readonly #processes: Processes;
  readonly #log: InProcessOptions["log"];
  readonly #now: () => number;
  readonly #nextArrival: () => number;
  readonly #logger: Logger | undefined;
  #presence: ClusterPresence | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ClusterRegistryOptions) {
    const { bus, log, nextArrival, logger, now = Date.now } = options;
    const { sharedPresence } = log;
    const createPresence =
      sharedPresence &&
      ((support: PresenceSupport) => this.#createPresence(options, sharedPresence, support));
    this.#local = new InProcessRegistry({ ...options, home: bus.home, createPresence });
    this.#bus = bus;
    this.#log = log;
    this.#now = now;
    this.#nextArrival = nextArrival;
    this.#logger = logger;
    this.#processes = new Processes(bus, logger);
    const calls = createProcessCalls(this.#local, nextArrival);
    this.#started = bus.start(createBusHandler(calls, logger), () => this.#local.stats());
  }

  #createPresence(
    { log, bus, onOccupancy, logger }: ClusterRegistryOptions,
    shared: SharedPresence,
    support: PresenceSupport,
  ): ClusterPresence {
    const { home } = bus;
    const presence = new ClusterPresence({ log, shared, support, home, onOccupancy, logger });
    this.#presence = presence;
    return presence;
  }

  async open(request: ConnectRequest): Promise<ClientConnection> {
    await this.#started;
    return this.#local.open(request);
  }

  async setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void> {
    const home = this.#otherHomeOf(clientId);
    if (home === undefined) return this.#local.setSubscriptions(clientId, request);
    const { arrivedAt: at = this.#nextArrival(), ...rest } = request;
    const done = await this.#processes.call(home, "setSubscriptions", () => {
      const waited = Math.max(this.#now() - at - ROUNDING, 0);
      return [clientId, { request: rest, arrival: { home: this.#bus.home, at, waited } }];
    });
    if (done === undefined) throw processIsGone();
  }

  publish(messages: readonly Message[], publisher?: Principal): Promise<readonly PublishReceipt[]> {
    return this.#local.publish(messages, publisher);
  }

  history(request: HistoryRequest, reader?: Principal): Promise<HistoryPage> {
    return this.#local.history(request, reader);
  }

  async send(clientId: string, event: string, data: unknown): Promise<boolean> {
    const home = this.#otherHomeOf(clientId);
    if (home === undefined) return this.#local.send(clientId, event, data);
    // JSON on the bus would turn some values that can't be sent into null.
    const text = typeof data === "string" ? data : toJSONLine(data ?? null);
    return (await this.#processes.callOnce(home, "send", [clientId, event, text])) ?? false;
  }

  /** Lists the clients process by process, in the order of the names of the processes. */
  async clients(page: PageRequest = {}): Promise<ClientPage> {
    const others = await this.#processes.others();
    const homes = [...others.map(({ home }) => home), this.#bus.home].sort();
    const first = homeOf(page.after ?? "");
    // The process of the last client may be gone. The list then continues with the next process.
    const rest = first === undefined ? homes : homes.filter((home) => home >= first);
    const lists = rest.map((home) => async (one: PageRequest): Promise<ClientPage> => {
      const request = { ...one, after: home === first ? one.after : undefined };
      if (home === this.#bus.home) return this.#local.clients(request);
      const clients = await this.#processes.call(home, "clients", [request]);
      return clients ?? { clients: [], next: undefined };
    });
    return listClientsOf(page, lists);
  }

  async client(clientId: string): Promise<ClientInfo | undefined> {
    const home = this.#otherHomeOf(clientId);
    if (home === undefined) return this.#local.client(clientId);
    return (await this.#processes.call(home, "client", [clientId])) ?? undefined;
  }

  /** Members are counted once for the merged page: one user may be a member on several processes. */
  async topics(page: PageRequest = {}): Promise<TopicPage> {
    const merged = await listTopicsOf(page, async (one) => {
      const others = this.#processes.callOthers("topics", [one]);
      return [this.#local.listTopics(one), ...(await others)];
    });
    return this.#local.withCounts(merged);
  }

  members(topic: string, reader?: Principal): Promise<MembersEvent> {
    return this.#local.members(topic, reader);
  }

  async extendInfo(request: InfoRequest): Promise<void> {
    const home = this.#otherHomeOf(request.clientId);
    if (home === undefined) return this.#local.extendInfo(request);
    const done = await this.#processes.call(home, "extendInfo", [request]);
    if (done === undefined) throw processIsGone();
  }

  async disconnect(clientId: string): Promise<boolean> {
    const home = this.#otherHomeOf(clientId);
    if (home === undefined) return this.#local.disconnect(clientId);
    return (await this.#processes.callOnce(home, "disconnect", [clientId])) ?? false;
  }

  /** The revocation of a subject is in the log, so it also reaches a process that does not answer. */
  async revoke(revocation: Revocation): Promise<number> {
    if ("subject" in revocation) return this.#revokeSubject(revocation.subject);
    const { clientId } = revocation;
    const home = this.#otherHomeOf(clientId);
    if (home === undefined) return this.#local.revoke(revocation);
    return (await this.#processes.call(home, "revokeClient", [clientId])) ?? 0;
  }

  erase(topic: string): Promise<number> {
    return this.#local.erase(topic);
  }

  async stats(): Promise<RegistryStats> {
    const others = await this.#processes.stats();
    const all = [await this.#local.stats(), ...others.map(({ stats }) => stats)];
    const silent = others.filter(({ isSilent }) => isSilent).map(({ home }) => home);
    return { ...all.reduce(mergeProcessStats), processes: { living: all.length, silent } };
  }

  processStats(): Promise<RegistryStats> {
    return this.#local.stats();
  }

  assertWritable(): void {
    this.#local.assertWritable();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Leaves the cluster first, so that no other process waits for this one. */
  async #close(): Promise<void> {
    const onFailure = (error: unknown) =>
      this.#logger?.warn("the process has not left the cluster", { error: String(error) });
    await Promise.all([this.#bus.leave().catch(onFailure), this.#presence?.close()]);
    await this.#local.close();
    await this.#bus.close().catch(onFailure);
  }

  async #revokeSubject(subject: string): Promise<number> {
    const { sharedRevocations } = this.#log;
    if (sharedRevocations === undefined) return this.#local.revoke({ subject });
    const stored = await sharedRevocations.revoke(subject);
    const local = this.#local.applyRevocation(stored);
    const counts = await this.#processes.callReachable("applyRevocation", [stored]);
    return counts.reduce((sum, count) => sum + count, local);
  }

  /** Returns the process of a client. Undefined for a client of this process, and for an id that no process has assigned. */
  #otherHomeOf(clientId: string): string | undefined {
    const home = homeOf(clientId);
    return home === this.#bus.home ? undefined : home;
  }
}

function processIsGone(): RealtimeError {
  return new RealtimeError(
    "unknown_client",
    "The process of this client has ended. Open a new stream.",
  );
}
