import { Admission } from "./access/admission.ts";
import { type CapacityLimits, NO_KEYS } from "./access/capacity.ts";
import { CredentialExpiries } from "./access/credential-expiry.ts";
import {
  type Client,
  checkSubscriber,
  costOfKeys,
  describeClient,
  gainedRights,
  identifyClient,
  isSuperseded,
  newClient,
  reaches,
} from "./clients/client.ts";
import { monotonicClock } from "./clock.ts";
import type { Cursor } from "./cursor.ts";
import { DeliveryScheduler } from "./delivery/delivery-scheduler.ts";
import { RealtimeError } from "./errors.ts";
import { protectLogger } from "./protected-logger.ts";
import { ClientReplay, type ReplayState } from "./replay/client-replay.ts";
import { ReplayCoordinator } from "./replay/coordinator.ts";
import { formatSSEComment, formatSSEMessage } from "./sse.ts";
import { SubscriptionIndex } from "./subscriptions/subscription-index.ts";
import {
  CLOSE_REASONS,
  type ClientInfo,
  type CloseReason,
  type FrameSink,
  type KeyCost,
  type LogEntry,
  type Logger,
  type LogReader,
  type ManagerStats,
  type Principal,
  type Revocation,
  type StartPosition,
  type SubscribeRequest,
  type TopicInfo,
} from "./types.ts";

/** What a manager may be given. */
export interface ManagerOptions extends CapacityLimits {
  /** Whether a client's subscriptions are set only from the address of its stream, as PocketBase does. Default true. */
  readonly checkAddress?: boolean | undefined;
  /** How long a stream stays open, without rights, once its credential has expired, in milliseconds. Default 10,000. */
  readonly authGrace?: number | undefined;
  /** What guests may subscribe to, and so who is left with an expired credential: all that is not private, or nothing. Default "subscribe". */
  readonly anonymous?: "subscribe" | "none" | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** The wall clock, for points in time: milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * The clock for durations: milliseconds since any moment, never set back. Default: `now`, and without that
   * `performance.now`.
   */
  readonly monotonicNow?: (() => number) | undefined;
}

export const DEFAULT_AUTH_GRACE = 10_000;

/** Characters of subscription keys in one list of clients; one client is listed however many it has. */
const MAX_LISTED_KEYS = 1024 * 1024;

/** One page of something. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly isMore: boolean;
}

/** A client as its owner keeps it through a sleep. */
export interface ClientSnapshot extends Principal {
  readonly clientId: string;
  readonly connectedAt: number;
  /** Set once its credential has expired: when its stream is to be closed, in milliseconds since 1970. */
  readonly closesAt?: number | undefined;
  /** When the request arrived that set its subscriptions last; left out until one has. */
  readonly subscribedAt?: number | undefined;
}

/** What a client is on its way to, as plain data: for an owner that sleeps. */
export interface ReplayProgress {
  readonly replay?: ReplayState | undefined;
  readonly start?: StartPosition | undefined;
  /** It was given something that it is to take before more comes. */
  readonly awaitingDrain: boolean;
}

/**
 * The connected clients of one process or Durable Object, what they subscribe to, and delivery to them.
 *
 * It knows no HTTP and no runtime: a client is an id and a `FrameSink`. It holds no timer and no promise but for
 * replays that are under way, so an idle manager keeps nothing awake.
 */
export class RealtimeManager {
  readonly #clients = new Map<string, Client>();
  readonly #index = new SubscriptionIndex<Client>();
  readonly #disconnects = Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<
    CloseReason,
    number
  >;
  readonly #encoder = new TextEncoder();
  readonly #logger: Logger | undefined;
  readonly #now: () => number;
  readonly #replayCoordinator: ReplayCoordinator<Client>;
  readonly #deliveryScheduler: DeliveryScheduler<Client>;
  readonly #admission: Admission;
  readonly #expiries = new CredentialExpiries<Client>();
  readonly #checkAddress: boolean;
  readonly #authGrace: number;
  readonly #guestsSubscribe: boolean;
  #delivered = 0;
  #connects = 0;
  /** Of the message delivered last. */
  #cursor = "";
  /** Set once it is closing, with what happens when the last replay has ended. */
  #closing: { readonly reason: CloseReason; readonly done: () => void } | undefined;

  /** @param sliceCost What a delivery may spend before others get their turn (`SLICE_COST`). */
  constructor(options: ManagerOptions = {}, sliceCost?: number) {
    const logger = options.logger && protectLogger(options.logger, monotonicClock(options));
    this.#logger = logger;
    this.#now = options.now ?? Date.now;
    this.#admission = new Admission(options, logger, this.#now);
    this.#checkAddress = options.checkAddress ?? true;
    this.#authGrace = options.authGrace ?? DEFAULT_AUTH_GRACE;
    this.#guestsSubscribe = options.anonymous !== "none";
    this.#deliveryScheduler = new DeliveryScheduler(
      { index: this.#index, write: this.#write },
      sliceCost,
    );
    this.#replayCoordinator = new ReplayCoordinator({
      logger,
      cursor: () => this.#cursor,
      isConnected: (client) => this.#clients.get(client.clientId) === client,
      remove: (client, reason) => this.removeClient(client.clientId, reason),
      onLive: (client) => {
        this.#deliveryScheduler.skip(client);
        this.#endWhenClosing(client);
      },
    });
  }

  /** Delivers what a log takes from now on, and replays from it. Returns how to stop that. */
  follow(log: LogReader): () => void {
    this.#replayCoordinator.readFrom(log);
    this.#cursor = log.cursor();
    return log.tail((entries) => this.deliver(entries));
  }

  /**
   * Whether somebody may connect now.
   *
   * @param subscriptions Those that it comes with.
   * @throws RealtimeError `revoked`, `refused_token`, `too_many_clients` or, of one address, `too_many_requests`; and
   *   `invalid_input` for subscriptions that meet too many rights.
   */
  admit(peer: Principal, subscriptions: readonly string[] = []): void {
    this.#admission.admit(peer, costOfKeys(subscriptions, peer.rights));
  }

  /**
   * Takes in a client; frames go to its sink from now on.
   *
   * @param connectedAt When it came, in milliseconds since 1970. Default now.
   * @throws RealtimeError `client_exists` when the id is taken, and as `admit`.
   */
  registerClient(
    clientId: string,
    sink: FrameSink,
    peer: Principal = {},
    connectedAt: number = this.#now(),
  ): void {
    this.admit(peer);
    this.#add(clientId, sink, peer, connectedAt);
    this.#connects += 1;
    this.#logger?.debug("client connected", { clientId, ip: peer.ip });
  }

  /** Takes in a client again that its owner has kept through a sleep, with its keys and what `progressOf` said. */
  restoreClient(
    { clientId, connectedAt, closesAt, subscribedAt = 0, ...peer }: ClientSnapshot,
    subscriptions: readonly string[],
    sink: FrameSink,
    { replay, start, awaitingDrain }: ReplayProgress = { awaitingDrain: false },
  ): void {
    const client = this.#add(clientId, sink, peer, connectedAt);
    client.start = start;
    client.awaitingDrain = awaitingDrain;
    client.closesAt = closesAt;
    client.subscribedAt = subscribedAt;
    this.#expiries.track(client);
    this.#setKeys(client, subscriptions, costOfKeys(subscriptions, client.rights));
    if (replay === undefined) return;
    client.replay = new ClientReplay(this.#index.keysOf(client), replay, client.rights);
  }

  /** Forgets a client and its subscriptions, counts why, and closes its sink. False when it is unknown. */
  removeClient(clientId: string, reason: CloseReason = "client"): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    if (mayTakeMore(reason)) this.#deliveryScheduler.settle(client);
    // Settling may have found it too slow.
    if (!this.#clients.delete(clientId)) return true;
    const { bufferedBytes } = client.sink;
    this.#index.remove(client);
    this.#admission.changeKeys(client.ip, client.keyCost, NO_KEYS);
    this.#admission.leave(client.ip);
    this.#expiries.forget(client);
    this.#disconnects[reason] += 1;
    client.sink.close(reason);
    const unwell = reason === "slow" || reason === "stale" || reason === "error";
    this.#logger?.[unwell ? "warn" : "debug"]("client disconnected", {
      clientId,
      reason,
      ip: client.ip,
      bufferedBytes,
      // The wall clock may have been set back.
      connectedSeconds: Math.max(Math.round((this.#now() - client.connectedAt) / 1000), 0),
    });
    this.#endWhenEmpty();
    return true;
  }

  /** Notes that a client showed life. False when it is unknown. */
  updateActivity(clientId: string): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    client.lastActivityAt = this.#now();
    return true;
  }

  /** Number of connected clients. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** Ids of all connected clients, in the order they came. */
  getAllClientIds(): string[] {
    return [...this.#clients.keys()];
  }

  /** One client, or undefined when it is unknown. */
  getClient(clientId: string): ClientInfo | undefined {
    const client = this.#clients.get(clientId);
    return client && describeClient(client, this.#index.keysOf(client));
  }

  /**
   * Clients in the order of their ids, for listing page by page: nobody is listed twice, whoever comes and
   * goes meanwhile. At most `limit`, and fewer where they have very many keys.
   *
   * @param after The last client id of the page before, connected still or not.
   */
  listClients(limit: number, after = ""): Page<ClientInfo> {
    const ids = this.getAllClientIds()
      .filter((clientId) => clientId > after)
      .toSorted();
    const items: ClientInfo[] = [];
    let size = 0;
    for (const clientId of ids.slice(0, limit)) {
      const client = this.getClient(clientId);
      if (client === undefined) continue;
      for (const key of client.subscriptions) size += key.length;
      if (size > MAX_LISTED_KEYS && items.length > 0) break;
      items.push(client);
    }
    return { items, isMore: items.length < ids.length };
  }

  /**
   * Sends one event to one client, outside the log. Its id is unique and still a place to resume from:
   * the cursor that the client has come to, and a suffix that reading a cursor ignores.
   *
   * @param data As in `formatSSEMessage`: a string goes out as it is, anything else as JSON; undefined is null.
   * @returns false when the client is unknown, gone, or was just found too slow.
   * @throws RealtimeError `invalid_event` (as a rejection) when event or data can't be written.
   */
  async sendEvent(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#send(clientId, (client) =>
      formatSSEMessage({
        event,
        data: data ?? null,
        id: this.#replayCoordinator.createEventId(client),
      }),
    );
  }

  /** Sends a comment, which the page never sees. False as for `sendEvent`. */
  async sendComment(clientId: string, comment: string): Promise<boolean> {
    return this.#send(clientId, () => formatSSEComment(comment));
  }

  /**
   * Replaces what a client subscribes to. Repeats and empty strings count for nothing. Keys it had go on
   * where they are; new ones begin where `request` (`Start`) says, with what the history has since, and
   * then go live in the same order, with nothing missed or repeated. An empty list keeps `Start` for the next.
   *
   * The client is who asks from then on, with the rights that they have: a guest signs in so, and whoever is signed
   * in brings a fresh credential.
   *
   * A request that arrived before the one that was applied last changes nothing (`SubscribeRequest.arrivedAt`).
   *
   * @throws RealtimeError as `checkSubscriber`, `revoked` or `refused_token`; then nothing was changed.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): void {
    const client = this.#clients.get(clientId);
    const cost = costOfKeys(request.subscriptions, request.rights);
    const onMismatch = this.#checkAddress ? this.#admission.noteAddressMismatch : undefined;
    checkSubscriber(client, request, onMismatch);
    if (isSuperseded(client, request)) return;
    this.#admission.checkCredential(request);
    this.#deliveryScheduler.settle(client);
    if (!this.#clients.has(clientId))
      throw new RealtimeError("unknown_client", "Missing or invalid client id.");
    this.#admission.checkKeys(client.ip, client.keyCost, cost);
    const gained = gainedRights(client, request);
    identifyClient(client, request);
    client.subscribedAt = request.arrivedAt ?? client.subscribedAt;
    this.#expiries.track(client);
    client.lastActivityAt = this.#now();
    const before = this.#index.keysOf(client);
    this.#setKeys(client, request.subscriptions, cost);
    const keys = this.#index.keysOf(client);
    this.#logger?.debug("subscriptions set", { clientId, subscriptions: keys.length });
    const { lastEventId = client.start?.lastEventId, last = client.start?.last } = request;
    const start = { lastEventId, last };
    const isSaid = lastEventId !== undefined || last !== undefined;
    client.start = keys.length === 0 && isSaid ? start : undefined;
    if (keys.length === 0) this.#replayCoordinator.cancel(client);
    else {
      const held = new Set(before);
      const asked = { ...start, isFirst: request.isInitial ?? false };
      this.#replayCoordinator.start(client, held, keys, {
        ...asked,
        rightsExpanded: keys.some((key) => held.has(key) && reaches(key, gained)),
      });
    }
    if (request.credentialEnded) void this.sendEvent(clientId, "PB_AUTH_EXPIRED", {});
  }

  /** Whether a credential counts now. @throws RealtimeError `revoked`, or `refused_token` when it has expired. */
  checkCredential(peer: Principal): void {
    this.#admission.checkCredential(peer);
  }

  /**
   * Ends the streams of one client or of a subject, whose credentials of before count for nothing any more.
   *
   * @returns how many streams, and the subjects whose revocation is forgotten for want of room or by age.
   */
  revoke(
    revocation: Revocation,
    at: number = this.#now(),
  ): { readonly disconnected: number; readonly forgotten: readonly string[] } {
    if ("clientId" in revocation) {
      const wasHere = this.removeClient(revocation.clientId, "revoked");
      return { disconnected: wasHere ? 1 : 0, forgotten: [] };
    }
    const { subject } = revocation;
    const forgotten = this.#admission.revoke(subject, at);
    let disconnected = 0;
    for (const { clientId, identity } of this.#clients.values()) {
      if (identity === subject && this.removeClient(clientId, "revoked")) disconnected += 1;
    }
    return { disconnected, forgotten };
  }

  /** In how many milliseconds `expire` has something to do; undefined when it never will. */
  get expiresIn(): number | undefined {
    const { next } = this.#expiries;
    return next === undefined ? undefined : Math.max(next - this.#now(), 0);
  }

  /**
   * Takes their rights from clients whose credential has expired and tells them (PB_AUTH_EXPIRED), and closes those who
   * have brought no fresh one since. Cheap when nothing is due.
   *
   * @returns the clients that changed.
   */
  expire(): readonly string[] {
    const now = this.#now();
    const due = this.#expiries.popDue(now);
    for (const client of due) this.#expire(client, now);
    return due.map(({ clientId }) => clientId);
  }

  /** Topics that somebody subscribes to, in their order, for listing page by page. */
  listTopics(limit: number, after = ""): Page<TopicInfo> {
    const all = [...this.#index.countTopics()]
      .filter(([topic]) => topic > after)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([topic, subscriptions]) => ({ topic, subscriptions }));
    return { items: all.slice(0, limit), isMore: all.length > limit };
  }

  /** The place in the log that an event id names; undefined when it is not of this life of the log. */
  parseEventId(eventId: string): Cursor | undefined {
    return this.#replayCoordinator.parseEventId(eventId);
  }

  /** How far a client has come, as an id to come back with; undefined without a history to come back to. */
  resumeCursorOf(clientId: string): string | undefined {
    const client = this.#clients.get(clientId);
    if (client !== undefined) this.#deliveryScheduler.settle(client);
    return client && this.#replayCoordinator.resumeCursorOf(client);
  }

  /** What is to be kept of a client through a sleep, for `restoreClient`. */
  snapshotOf(clientId: string): ClientSnapshot | undefined {
    const client = this.#clients.get(clientId);
    if (client === undefined) return undefined;
    const { ip, identity, rights, expiresAt, closesAt, connectedAt } = client;
    const subscribedAt = client.subscribedAt || undefined;
    return { clientId, ip, identity, rights, expiresAt, closesAt, connectedAt, subscribedAt };
  }

  /** What the client is on its way to, for `restoreClient`; undefined when it is live. */
  replayProgressOf(clientId: string): ReplayProgress | undefined {
    const { replay, start, awaitingDrain = false } = this.#clients.get(clientId) ?? {};
    if (replay === undefined && start === undefined && !awaitingDrain) return undefined;
    return { replay: replay?.state, start, awaitingDrain };
  }

  /** The client has taken what it was given of a replay: goes on with it. */
  proceed(clientId: string): void {
    const client = this.#clients.get(clientId);
    if (client !== undefined) this.#replayCoordinator.proceed(client);
  }

  /**
   * Hands entries of a log to everybody subscribed, in their order. A frame is encoded once for a
   * subscription key and shared by all its clients; one that can't keep up is removed and delays nobody.
   * What takes longer than some milliseconds goes on in later turns (`settled`).
   */
  deliver(entries: readonly LogEntry[]): void {
    // A timer may be late: what is private must not go to somebody whose rights have ended meanwhile.
    this.expire();
    this.#deliveryScheduler.deliver(entries, (entry) => {
      const before = this.#cursor;
      this.#cursor = entry.cursor;
      return before;
    });
  }

  /** Number of the newest delivery, for `settled`. */
  get deliveryNumber(): number {
    return this.#deliveryScheduler.number;
  }

  /**
   * Resolves when all that was delivered up to now has been written; undefined when it has.
   *
   * @param since `deliveryNumber` of before. Undefined as well when all that was delivered after it has been written.
   */
  settled(since?: number): Promise<void> | undefined {
    return this.#deliveryScheduler.settled(since);
  }

  /** Resolves when there is room for more messages: publishers wait for it. Undefined when there is. */
  room(): Promise<void> | undefined {
    return this.#deliveryScheduler.room();
  }

  /** Counts; cheap enough to ask for at every scrape. */
  stats(): ManagerStats {
    return {
      clients: this.#clients.size,
      subscriptions: this.#index.size,
      topics: this.#index.topics,
      keyBudget: this.#admission.keyStats,
      queuedBytes: this.#queuedBytes(),
      connects: this.#connects,
      ...this.#replayCoordinator.stats,
      delivered: this.#delivered + this.#replayCoordinator.stats.replayed,
      disconnects: { ...this.#disconnects },
    };
  }

  /** Removes every client, those that are being replayed to once they have come to the end. Resolves after the last. */
  close(reason: CloseReason = "shutdown"): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#closing?.done;
      const done = () => {
        before?.();
        resolve();
      };
      this.#closing = { reason, done };
      const settled = this.#deliveryScheduler.settled();
      if (settled === undefined) this.#removeAllLive(reason);
      else void settled.then(() => this.#removeAllLive(reason));
    });
  }

  #removeAllLive(reason: CloseReason): void {
    for (const client of this.#clients.values()) {
      if (client.replay === undefined) this.removeClient(client.clientId, reason);
    }
    this.#endWhenEmpty();
  }

  #add(clientId: string, sink: FrameSink, peer: Principal, connectedAt: number): Client {
    if (this.#clients.has(clientId)) {
      throw new RealtimeError(
        "client_exists",
        `A client "${clientId}" is connected already; every connection needs an id of its own.`,
      );
    }
    const client = newClient(clientId, sink, peer, connectedAt);
    this.#clients.set(clientId, client);
    this.#admission.enter(client.ip);
    this.#expiries.track(client);
    return client;
  }

  /** @param cost Of these keys, with the rights that the client has. */
  #setKeys(client: Client, keys: readonly string[], cost: KeyCost): void {
    this.#index.replace(client, keys, client.rights);
    this.#countKeys(client, cost);
  }

  #countKeys(client: Client, cost: KeyCost): void {
    this.#admission.changeKeys(client.ip, client.keyCost, cost);
    client.keyCost = cost;
  }

  #queuedBytes(): number {
    let sum = 0;
    for (const { sink } of this.#clients.values()) sum += sink.bufferedBytes;
    return sum;
  }

  #expire(client: Client, now: number): void {
    const { clientId } = client;
    if (client.closesAt !== undefined) {
      this.removeClient(clientId, "expired");
      return;
    }
    this.#deliveryScheduler.settle(client);
    client.rights = [];
    client.closesAt = now + this.#authGrace;
    this.#expiries.track(client);
    if (this.#guestsSubscribe) {
      this.#index.changeRights(client, []);
      this.#countKeys(client, costOfKeys(this.#index.keysOf(client)));
      client.replay?.changeRights([]);
    } else {
      this.#setKeys(client, [], NO_KEYS);
      client.start = undefined;
      this.#replayCoordinator.cancel(client);
    }
    this.#logger?.debug("credential expired", { clientId });
    const data = { closesIn: this.#authGrace };
    this.#send(clientId, () =>
      formatSSEMessage({
        event: "PB_AUTH_EXPIRED",
        data,
        id: this.#replayCoordinator.createEventId(client),
      }),
    );
  }

  readonly #write = (client: Client, frame: Uint8Array): boolean => {
    if (client.sink.write(frame)) {
      this.#delivered += 1;
      return true;
    }
    this.removeClient(client.clientId, "slow");
    return false;
  };

  #send(clientId: string, format: (client: Client) => string): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    this.#deliveryScheduler.settle(client);
    if (!this.#clients.has(clientId)) return false;
    if (client.sink.write(this.#encoder.encode(format(client)))) return true;
    this.removeClient(clientId, "slow");
    return false;
  }

  #endWhenClosing(client: Client): void {
    if (this.#closing !== undefined) this.removeClient(client.clientId, this.#closing.reason);
  }

  #endWhenEmpty(): void {
    if (this.#clients.size > 0 || this.#closing === undefined) return;
    const { done } = this.#closing;
    this.#closing = undefined;
    done();
  }
}

/** Whether a client that is removed for this reason still gets the messages that are on their way to it. */
function mayTakeMore(reason: CloseReason): boolean {
  return reason !== "client" && reason !== "slow" && reason !== "stale";
}
