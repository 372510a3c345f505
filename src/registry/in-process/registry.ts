import { type HistoryPage, type HistoryRequest, readHistory } from "../../log/history.ts";
import type { MessageLog, PublishReceipt, StoredRevocation } from "../../log/log.ts";
import { epochOf, parseCursor } from "../../realtime/cursor.ts";
import { LatencyHistogram } from "../../realtime/latency.ts";
import {
  contentsOf,
  gapListenerOf,
  presenceOf,
  type RealtimeManager,
} from "../../realtime/manager.ts";
import type { MembersEvent } from "../../realtime/presence/presence.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import type {
  ClientInfo,
  MaybePromise,
  Message,
  Principal,
  Revocation,
  SubscribeRequest,
} from "../../realtime/types.ts";
import { assignClientId, serverClosed } from "../connect.ts";
import { ExpiryTimer } from "../expiry-timer.ts";
import { toClientPage, toTopicPage } from "../paging.ts";
import type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  InfoRequest,
  OccupancyListener,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { toRegistryStats } from "../stats.ts";
import { type ConnectionHost, InProcessConnection } from "./connection.ts";
import { LocalPresence } from "./local-presence.ts";
import { type MembersStore, RegistryMembers } from "./members.ts";
import { Revoker } from "./revoker.ts";

const FOREIGN =
  "This client id belongs to another process or to an earlier start of this one. Open a new stream. If several processes " +
  "run behind a load balancer, set REDIS_URL, or send all requests of a client to the same process (sticky sessions).";

/** Options of `createInProcessRegistry`. */
export interface InProcessOptions {
  /** The registry's `close` closes the manager. */
  readonly manager: RealtimeManager;
  /** The registry's `close` closes and releases the log. */
  readonly log: MessageLog;
  /** The wall clock, in milliseconds since 1970, for the times of revocations. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Name of this process among several (`Bus.home`). It becomes a part of the client ids. */
  readonly home?: string | undefined;
  /** Creates the store of the members over several processes. Default: the members are those of this process. */
  readonly createPresence?: ((presence: PresenceSupport) => MembersStore) | undefined;
  /** Called when a topic is occupied or vacated, if the manager's `PresenceOptions.tracksOccupancy` is set. */
  readonly onOccupancy?: OccupancyListener | undefined;
}

/**
 * Creates a registry with clients, log and delivery in this process, as on Node and Bun.
 *
 * @example
 * const registry = createInProcessRegistry({
 *   manager: new RealtimeManager({ logger }),
 *   log: createMemoryLog(),
 * });
 * const server = createServer({ registry });
 */
export function createInProcessRegistry(options: InProcessOptions): ClientRegistry {
  return new InProcessRegistry(options);
}

/** `createInProcessRegistry`, with methods for a registry over several processes. */
export class InProcessRegistry implements ClientRegistry {
  readonly #manager: RealtimeManager;
  readonly #log: MessageLog;
  readonly #stopTail: () => void;
  readonly #startedAt = new Date().toISOString();
  readonly #latency = new LatencyHistogram();
  readonly #expiryTimer: ExpiryTimer;
  /** One object for all connections: there may be many. */
  readonly #host: ConnectionHost;
  readonly #revoker: Revoker;
  readonly #home: string | undefined;
  readonly #members: RegistryMembers;
  /** Reads of the history that have not ended. The log is released after them. */
  readonly #reads = new Set<Promise<unknown>>();
  #isReleased = false;
  #closing: Promise<void> | undefined;

  constructor(options: InProcessOptions) {
    const { manager, log, now = Date.now, home, onOccupancy } = options;
    this.#manager = manager;
    this.#log = log;
    this.#revoker = new Revoker(manager, log, now);
    this.#home = home;
    this.#stopTail = manager.follow(log, gapListenerOf(manager, log));
    this.#expiryTimer = new ExpiryTimer(manager);
    this.#host = {
      manager,
      isClosed: () => this.#isClosed,
      onAttached: () => this.#expiryTimer.schedule(),
    };
    const { createPresence = (support) => new LocalPresence(log, support, onOccupancy) } = options;
    this.#members = new RegistryMembers(presenceOf(manager), createPresence, () =>
      this.#expiryTimer.schedule(),
    );
  }

  async open(request: ConnectRequest): Promise<ClientConnection> {
    this.#assertOpen();
    this.#manager.admit(request, request.topics);
    const waiting = catchUp(this.#log, request.lastEventId);
    if (waiting !== undefined) await waiting;
    const identity = assignClientId(request, this.#manager, this.#log, { home: this.#home });
    return new InProcessConnection(this.#host, request, identity);
  }

  async setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void> {
    const waiting = catchUp(this.#log, request.lastEventId);
    if (waiting !== undefined) await waiting;
    this.#manager.setSubscriptions(clientId, request);
    this.#expiryTimer.schedule();
  }

  async publish(
    messages: readonly Message[],
    publisher: Principal = {},
  ): Promise<readonly PublishReceipt[]> {
    const start = performance.now();
    for (let room = this.#manager.room(); room !== undefined; room = this.#manager.room()) {
      await room;
    }
    this.#assertOpen();
    this.#manager.checkCredential(publisher);
    const before = this.#manager.deliveryNumber;
    const receipts = await this.#log.append(messages, publisher);
    // If the messages need no delivery that is still unfinished, `settled` does not wait for the earlier deliveries of other
    // publishers, which may take seconds.
    const settled = this.#manager.settled(before);
    if (settled !== undefined) await settled;
    // The sinks have scheduled their writes for the end of this turn of the event loop. The latency includes these writes.
    afterTurn(() => this.#latency.observe(performance.now() - start));
    return receipts;
  }

  async history(request: HistoryRequest, reader: Principal = {}): Promise<HistoryPage> {
    this.#assertNotReleased();
    this.#manager.checkCredential(reader);
    await catchUp(this.#log, request.after ?? request.before);
    const read = readHistory(this.#log, request, contentsOf(this.#manager), reader);
    this.#reads.add(read);
    return read.finally(() => this.#reads.delete(read));
  }

  send(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#manager.sendEvent(clientId, event, data);
  }

  async clients(page?: PageRequest): Promise<ClientPage> {
    return toClientPage(page, (limit, after) => this.#manager.listClients(limit, after));
  }

  async client(clientId: string): Promise<ClientInfo | undefined> {
    return this.#manager.getClient(clientId);
  }

  explainUnknownClient(clientId: string): string | undefined {
    const epoch = epochOf(clientId);
    return epoch === undefined || epoch === epochOf(this.#log.cursor()) ? undefined : FOREIGN;
  }

  async topics(page?: PageRequest): Promise<TopicPage> {
    return this.withCounts(this.listTopics(page));
  }

  /** `topics` without the numbers of members and guests. */
  listTopics(page?: PageRequest): TopicPage {
    return toTopicPage(page, (limit, after) => this.#manager.listTopics(limit, after));
  }

  /** Adds the numbers of members and guests to a page. */
  withCounts(page: TopicPage): Promise<TopicPage> {
    return this.#members.withCounts(page);
  }

  async members(topic: string, reader: Principal = {}): Promise<MembersEvent> {
    this.#manager.checkCredential(reader);
    return this.#members.membersOf(topic);
  }

  async extendInfo(request: InfoRequest): Promise<void> {
    this.#members.extendInfo(request);
    this.#expiryTimer.schedule();
  }

  async disconnect(clientId: string): Promise<boolean> {
    return this.#manager.removeClient(clientId, "admin");
  }

  async revoke(revocation: Revocation): Promise<number> {
    return this.#revoker.revoke(revocation);
  }

  /** Calls `Revoker.apply`. */
  applyRevocation(revocation: StoredRevocation): number {
    return this.#revoker.apply(revocation);
  }

  assertWritable(): void {
    this.#log.assertWritable?.();
  }

  async erase(topic: string): Promise<number> {
    return this.#log.erase(topic);
  }

  async stats(): Promise<RegistryStats> {
    this.#assertNotReleased();
    const log = await this.#log.stats();
    return toRegistryStats(this.#manager.stats(), log, this.#latency, this.#startedAt);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes the log first, so that the log delivers all accepted messages before the clients are disconnected. */
  async #close(): Promise<void> {
    await this.#log.close();
    this.#stopTail();
    this.#expiryTimer.stop();
    await this.#manager.close("shutdown");
    await Promise.allSettled(this.#reads);
    this.#isReleased = true;
    await this.#log.release?.();
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw serverClosed();
  }

  #assertNotReleased(): void {
    if (this.#isReleased) throw serverClosed();
  }
}

/** Waits until a log over several processes has received the position in an event id. Undefined if there is nothing to wait for. */
function catchUp(log: MessageLog, eventId: string | undefined): MaybePromise<void> {
  const cursor = eventId === undefined ? undefined : parseCursor(eventId);
  return cursor && log.catchUp?.(cursor);
}

/**
 * Some runtimes lack `setImmediate`, so the cast makes it optional. `setTimeout` runs later, which only adds to the measured
 * latency in these runtimes.
 */
const { setImmediate = setTimeout } = globalThis as {
  readonly setImmediate?: (run: () => void) => unknown;
};
const afterTurn = (run: () => void): void => void setImmediate(run);
