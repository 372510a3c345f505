import { expireClients } from "./access/expire-clients.ts";
import { costOfKeys } from "./access/key-cost.ts";
import { type RevokeResult, revoke } from "./access/revoke.ts";
import { createHibernationSupport, type HibernationSupport } from "./clients/hibernation.ts";
import { listClients, listTopics, type Page } from "./clients/listing.ts";
import { setSubscriptions } from "./clients/set-subscriptions.ts";
import type { Cursor } from "./cursor.ts";
import { ManagerCore } from "./manager-core.ts";
import type { ManagerOptions } from "./manager-options.ts";
import { formatSSEComment } from "./sse.ts";
import type {
  ClientInfo,
  CloseReason,
  FrameSink,
  LogEntry,
  LogReader,
  ManagerStats,
  Principal,
  Revocation,
  SubscribeRequest,
  TopicInfo,
} from "./types.ts";
import type { Milliseconds } from "./units.ts";

export type { RevokeResult } from "./access/revoke.ts";
export type { ClientSnapshot, HibernationSupport, ReplayProgress } from "./clients/hibernation.ts";
export type { Page } from "./clients/listing.ts";
export type { ManagerOptions } from "./manager-options.ts";

let openHibernation: (manager: RealtimeManager) => HibernationSupport;

/**
 * The connected clients of one process or Durable Object, their subscriptions, and the delivery of messages to them.
 *
 * The manager knows neither HTTP nor the runtime: a client is an id and a `FrameSink`. Timers and promises exist only during
 * replays and large deliveries, so an idle manager keeps neither a process nor a Durable Object awake.
 *
 * This file is the interface and its documentation. The methods call `ManagerCore`, or a function of access/ or clients/.
 *
 * @example
 * const manager = new RealtimeManager({ maxClients: 1000 });
 * const stopFollowing = manager.follow(createMemoryLog());
 * manager.registerClient("c1", sink);
 * manager.setSubscriptions("c1", { subscriptions: ["chat"] });
 */
export class RealtimeManager {
  readonly #core: ManagerCore;

  static {
    openHibernation = (manager) => createHibernationSupport(manager.#core);
  }

  /**
   * @param sliceCost How much a delivery may write before other work gets its turn: a frame costs 1, encoding it 4 more.
   *   Default 50,000. Tests pass small values to interrupt deliveries.
   */
  constructor(options: ManagerOptions = {}, sliceCost?: number) {
    this.#core = new ManagerCore(options, sliceCost);
  }

  /** Delivers what the log appends from now on, and reads replays from the log. Returns a function that ends the delivery. */
  follow(log: LogReader): () => void {
    this.#core.replays.readFrom(log);
    this.#core.cursors.liveCursor = log.cursor();
    return log.tail((entries) => this.deliver(entries));
  }

  /**
   * Checks whether a client may connect now. Nothing is reserved.
   *
   * @param subscriptions The subscription keys that the client connects with.
   * @throws RealtimeError `revoked` or `refused_token` for the credential; `too_many_clients` when a limit of the manager is
   *   reached and `too_many_requests` when a limit of the address is; `invalid_input` as `setSubscriptions`.
   */
  admit(principal: Principal, subscriptions: readonly string[] = []): void {
    this.#core.admission.admit(principal, costOfKeys(subscriptions, principal.rights));
  }

  /**
   * Adds a client without subscriptions. From now on its frames are written to its sink.
   *
   * @param connectedAt Milliseconds since 1970. Default: now.
   * @throws RealtimeError `client_exists` when a connected client has the id, and the errors of `admit`.
   */
  registerClient(
    clientId: string,
    sink: FrameSink,
    principal: Principal = {},
    connectedAt: number = this.#core.now(),
  ): void {
    this.admit(principal);
    this.#core.clients.add(clientId, sink, principal, connectedAt);
    this.#core.connects += 1;
    this.#core.logger?.debug("client connected", { clientId, ip: principal.ip });
  }

  /**
   * Removes a client and its subscriptions, and closes its sink.
   *
   * @param reason Counted in `stats` and passed to the sink. Default "client".
   * @returns false when no client has the id.
   */
  removeClient(clientId: string, reason: CloseReason = "client"): boolean {
    return this.#core.removeClient(clientId, reason);
  }

  /**
   * Sets a client's time of last activity to now.
   *
   * @returns false when no client has the id.
   */
  updateActivity(clientId: string): boolean {
    const client = this.#core.clients.get(clientId);
    if (client === undefined) return false;
    client.lastActivityAt = this.#core.now();
    return true;
  }

  /** The number of connected clients. */
  get clientCount(): number {
    return this.#core.clients.size;
  }

  /** The ids of all connected clients, in the order in which the clients connected. */
  getAllClientIds(): string[] {
    return this.#core.clients.ids();
  }

  /** A description of one client; undefined when no client has the id. */
  getClient(clientId: string): ClientInfo | undefined {
    return this.#core.clients.describe(clientId);
  }

  /**
   * One page of clients, sorted by id. Clients that connect or leave between two pages cause neither gaps nor repetitions.
   *
   * @param limit The most clients of the page. A page is shorter when its clients have more than 1 Mi characters of keys.
   * @param after The last client id of the page before. That client may have left.
   */
  listClients(limit: number, after = ""): Page<ClientInfo> {
    return listClients(this.#core.clients, limit, after);
  }

  /**
   * One page of the topics with subscriptions, sorted by name.
   *
   * @param after The last topic of the page before.
   */
  listTopics(limit: number, after = ""): Page<TopicInfo> {
    return listTopics(this.#core.clients.index, limit, after);
  }

  /**
   * Sends one event to one client. The event is not in the log, so it is not replayed. Its id is unique and names the position
   * that the client has reached: the client can resume from it.
   *
   * @param data Strings are sent as they are, other values as JSON, undefined as `null` (`formatSSEMessage`).
   * @returns false when no client has the id, or the client was too slow and has been removed.
   * @throws RealtimeError (as a rejection) `invalid_event` when the event or data can't be written.
   */
  async sendEvent(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#core.sendEvent(clientId, event, data);
  }

  /** Sends a comment to one client. Browsers ignore comments. Returns false as `sendEvent` does. */
  async sendComment(clientId: string, comment: string): Promise<boolean> {
    return this.#core.send(clientId, () => formatSSEComment(comment));
  }

  /**
   * Replaces a client's subscriptions, and gives the client the identity and rights of the request. So a guest signs in, and a
   * client extends its stay with a fresh credential.
   *
   * Keys that the client already has continue without a gap. New keys start where the request says (`StartPosition`): first
   * come the messages of the history since then, then the live ones, each once and in the order of the log. An empty list
   * stores the start position for the next request. Repeated keys and empty strings are ignored.
   *
   * A request that arrived before the one that was applied last changes nothing (`SubscribeRequest.arrivedAt`).
   *
   * @throws RealtimeError `unknown_client`, `ip_mismatch` or `identity_changed` when the request may not change this client;
   *   `revoked` or `refused_token` for its credential; `too_many_clients` or `too_many_requests` when there are too many
   *   keys; `invalid_input` when a key holds a line break or NUL, or keys and rights have more than 10,000 topics in common.
   *   After an error nothing has changed.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): void {
    setSubscriptions(this.#core, clientId, request);
  }

  /**
   * Checks that a credential is neither revoked nor expired.
   *
   * @throws RealtimeError `revoked` or `refused_token`.
   */
  checkCredential(principal: Principal): void {
    this.#core.admission.checkCredential(principal);
  }

  /**
   * Closes the streams of one client or subject. Credentials that were issued to the subject before are refused from now on.
   *
   * @param at When the revocation was made, in milliseconds since 1970. Default: now.
   */
  revoke(revocation: Revocation, at: number = this.#core.now()): RevokeResult {
    return revoke(this.#core, revocation, at);
  }

  /** How long until `expire` has to be called, in milliseconds; undefined when no credential will expire. */
  get expiresIn(): Milliseconds | undefined {
    const next = this.#core.clients.nextExpiry;
    return next === undefined ? undefined : Math.max(next - this.#core.now(), 0);
  }

  /**
   * Removes the rights of clients with an expired credential and sends them PB_AUTH_EXPIRED; closes the streams of clients
   * that have sent no fresh credential within `authGrace` after that. Cheap when nothing has expired.
   *
   * @returns The ids of the clients that changed.
   */
  expire(): readonly string[] {
    return expireClients(this.#core);
  }

  /** The cursor in an event id; undefined when the id names no position that this log has reached. */
  parseEventId(eventId: string): Cursor | undefined {
    return this.#core.cursors.parseEventId(eventId);
  }

  /**
   * The cursor from which the client could resume now; undefined without a history, for an unknown client, and while the
   * client is at no position that a cursor can name.
   */
  resumeCursorOf(clientId: string): string | undefined {
    const client = this.#core.clients.get(clientId);
    if (client === undefined) return undefined;
    this.#core.deliveries.settle(client);
    return this.#core.replays.resumeCursorOf(client);
  }

  /**
   * Delivers entries of a log to the subscribed clients, in order. A frame is encoded once for each subscription key and shared
   * by the clients of the key. A client that is too slow is removed and delays no other client. After 5 ms of work the
   * delivery yields to other work and continues later (`settled`).
   */
  deliver(entries: readonly LogEntry[]): void {
    // The timer that calls `expire` may be late, and an expired credential must not receive private messages.
    this.expire();
    this.#core.deliver(entries);
  }

  /** The number of the newest delivery, for `settled`. */
  get deliveryNumber(): number {
    return this.#core.deliveries.number;
  }

  /**
   * Resolves when the deliveries made so far are written; undefined when they are.
   *
   * @param since An earlier `deliveryNumber`: only deliveries after it count. Default: all do.
   */
  settled(since?: number): Promise<void> | undefined {
    return this.#core.deliveries.settled(since);
  }

  /**
   * Undefined when publishers may deliver more messages now. Otherwise a promise: call `room` again when it resolves. It bounds
   * the memory that unfinished deliveries take.
   */
  room(): Promise<void> | undefined {
    return this.#core.deliveries.room();
  }

  /** Counts since the manager was created. Takes a step for each client. */
  stats(): ManagerStats {
    return this.#core.stats();
  }

  /**
   * Removes every client. A client with a replay is removed when its replay has ended.
   *
   * @returns A promise that resolves when the last client has been removed.
   */
  close(reason: CloseReason = "shutdown"): Promise<void> {
    return this.#core.close(reason);
  }
}

/**
 * Saves and restores the clients of a manager that hibernates. These methods are not on `RealtimeManager` because only adapters
 * need them.
 */
export function hibernationOf(manager: RealtimeManager): HibernationSupport {
  return openHibernation(manager);
}
