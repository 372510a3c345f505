import { expireClients } from "./access/expire-clients.ts";
import { costOfKeys } from "./access/key-cost.ts";
import { type RevokeResult, revoke } from "./access/revoke.ts";
import { createHibernationSupport, type HibernationSupport } from "./clients/hibernation.ts";
import { listClients, listTopics, type Page } from "./clients/listing.ts";
import { setSubscriptions } from "./clients/set-subscriptions.ts";
import type { Cursor } from "./cursor.ts";
import { ManagerCore } from "./manager-core.ts";
import type { ManagerOptions } from "./manager-options.ts";
import { createPresenceSupport, type PresenceSupport } from "./presence/presence-support.ts";
import type { MessageContents } from "./records/message-contents.ts";
import { continueAfterGap } from "./replay/gap.ts";
import { formatSSEComment } from "./sse.ts";
import type {
  ClientInfo,
  CloseReason,
  FrameSink,
  GapListener,
  LogEntry,
  LogReader,
  ManagerStats,
  Principal,
  Revocation,
  StreamOptions,
  SubscribeRequest,
  TopicInfo,
} from "./types.ts";
import type { Milliseconds } from "./units.ts";

export type { RevokeResult } from "./access/revoke.ts";
export type { ClientSnapshot, HibernationSupport, ReplayProgress } from "./clients/hibernation.ts";
export type { Page } from "./clients/listing.ts";
export type { ManagerOptions } from "./manager-options.ts";

// Assigned in the class, because only code inside the class can read `#core`.
let coreOf: (manager: RealtimeManager) => ManagerCore;

/**
 * The connected clients of one process or Durable Object, their subscriptions, and the delivery of messages to them.
 *
 * The manager depends neither on HTTP nor on a runtime: a client is an id and a `FrameSink`. An idle manager has no timer and
 * no pending promise, so it keeps neither a process nor a Durable Object awake.
 *
 * This class is the interface and its documentation. Its methods call `ManagerCore` or a function of access/ or clients/.
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
    coreOf = (manager) => manager.#core;
  }

  /**
   * @param sliceCost A delivery yields to other work after about 5 ms, or when its work has this cost, whichever is first.
   *   Writing a frame costs 1, encoding a frame costs 4. Default 50,000. Tests pass small values to interrupt deliveries.
   * @throws RealtimeError `invalid_config` for a rule that can't be compiled.
   */
  constructor(options: ManagerOptions = {}, sliceCost?: number) {
    this.#core = new ManagerCore(options, sliceCost);
  }

  /**
   * Delivers the messages that the log appends from now on, and reads replays from this log.
   *
   * @param onGap The function that `gapListenerOf` returns, for a log over several processes.
   * @returns A function that ends the delivery.
   */
  follow(log: LogReader, onGap?: GapListener): () => void {
    this.#core.replays.readFrom(log);
    this.#core.cursors.readFrom(log);
    this.#core.cursors.liveCursor = log.cursor();
    return log.tail((entries) => {
      this.deliver(entries);
      return this.room();
    }, onGap);
  }

  /**
   * Checks whether a client may connect now. Reserves nothing: a later `registerClient` may still fail.
   *
   * @param subscriptions The subscription keys that the client connects with.
   * @throws RealtimeError `revoked` or `refused_token` for the credential; `too_many_clients` when a limit of the manager is
   *   reached, and `too_many_requests` when a limit of the address is reached; `invalid_filter`, `invalid_fields` or
   *   `invalid_input` for the options of a key; `invalid_input` when keys and rights overlap in more than 10,000 topics.
   */
  admit(principal: Principal, subscriptions: readonly string[] = []): void {
    this.#core.contents.check(subscriptions, principal.isAdmin === true);
    this.#core.admission.admit(principal, costOfKeys(subscriptions, principal.rights));
  }

  /**
   * Adds a client without subscriptions. From now on its frames are written to its sink.
   *
   * @param client The client's principal and the options of its stream.
   * @param connectedAt Milliseconds since 1970. Default: now.
   * @throws RealtimeError `client_exists` when a connected client has the id, and the errors of `admit`.
   */
  registerClient(
    clientId: string,
    sink: FrameSink,
    client: Principal & StreamOptions = {},
    connectedAt: number = this.#core.now(),
  ): void {
    this.admit(client);
    this.#core.clients.add(clientId, sink, client, connectedAt);
    this.#core.connects += 1;
    this.#core.logger?.debug("client connected", { clientId, ip: client.ip });
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

  /** Sets a client's time of last activity to now. Returns false when no client has the id. */
  updateActivity(clientId: string): boolean {
    return this.#core.updateActivity(clientId);
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
   * @param limit Maximum number of clients. A page has fewer if their keys have more than 1,048,576 characters in total.
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
   * Sends one event to one client. The event is not in the log, so it is not replayed. The id of the event is unique. The id
   * contains the cursor of the position that the client has reached, if there is one, so the client can resume from the id.
   *
   * @param data Strings are sent as they are, other values as JSON, undefined as `null` (`formatSSEMessage`).
   * @returns false when no client has the id, or when the client was too slow and has been removed.
   * @throws RealtimeError (as a rejection) `invalid_event` when the event or data can't be written.
   */
  async sendEvent(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#core.sendEvent(clientId, event, data);
  }

  /** Sends a comment to one client. Browsers ignore comments. Returns false in the same cases as `sendEvent`. */
  async sendComment(clientId: string, comment: string): Promise<boolean> {
    return this.#core.send(clientId, () => formatSSEComment(comment));
  }

  /**
   * Replaces a client's subscriptions, and gives the client the identity, rights, auth record and administrator status of the
   * request. With this call a guest signs in, and a client replaces a credential that is about to expire.
   *
   * Keys that the client already has continue without a gap. New keys start at the position that the request sets
   * (`StartPosition`). The client first receives the messages of the history after this position, then live messages: each
   * message once, in the order of the log. A request without keys stores its start position for the next request. Repeated keys
   * and empty strings are ignored.
   *
   * A request changes nothing if a request that arrived later has already been applied (`SubscribeRequest.arrivedAt`).
   *
   * @throws RealtimeError `unknown_client`, `ip_mismatch` or `identity_changed` when the request may not change this client;
   *   `revoked` or `refused_token` for its credential; `too_many_clients` or `too_many_requests` when there are too many keys;
   *   `invalid_filter`, `invalid_fields` or `invalid_input` for the options of a key; `invalid_input` when a key contains a
   *   line break or NUL, or when keys and rights overlap in more than 10,000 topics. After an error the client's subscriptions
   *   and principal are unchanged.
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
   * Closes the stream of one client, or all streams of a subject. When a subject is revoked, credentials that were issued to
   * the subject up to `at` are refused while the revocation is remembered (`REMEMBERED_REVOCATIONS`).
   *
   * @param at When the revocation was made, in milliseconds since 1970. Default: now.
   */
  revoke(revocation: Revocation, at: number = this.#core.now()): RevokeResult {
    return revoke(this.#core, revocation, at);
  }

  /**
   * Time until `expire` must be called. Undefined when no client has a credential or a grace period that will end, and presence has
   * nothing to report.
   */
  get expiresIn(): Milliseconds | undefined {
    return this.#core.expiresIn;
  }

  /**
   * Removes the rights and the auth record of clients whose credential has expired (with `anonymous: "none"` also their
   * subscriptions), and sends these clients PB_AUTH_EXPIRED. Removes a client that has sent no fresh credential within
   * `authGrace` after that, and closes its stream. Then reports changes of presence to the store. Cheap when nothing is due.
   *
   * @returns The ids of the clients that were changed or removed.
   */
  expire(): readonly string[] {
    const expired = expireClients(this.#core);
    this.#core.presence?.flush();
    return expired;
  }

  /** Parses the cursor in an event id. Undefined when the id names no position that this log has reached. */
  parseEventId(eventId: string): Cursor | undefined {
    return this.#core.cursors.parseEventId(eventId);
  }

  /**
   * The cursor from which the client could resume now. Undefined when the client is unknown, when the log keeps no history, or
   * while no cursor can name the client's position (`ReplayState.unsafeUntil`).
   */
  resumeCursorOf(clientId: string): string | undefined {
    return this.#core.resumeCursorOf(clientId);
  }

  /**
   * Delivers entries of a log to the subscribed clients, in order. Clients with the same subscription key share the encoded
   * frame. A client that is too slow is removed, so that it does not delay other clients. After about 5 ms of work the delivery
   * yields to other work and continues later (`settled`).
   */
  deliver(entries: readonly LogEntry[]): void {
    // The timer that calls `expire` may be late, and an expired credential must not receive private messages.
    expireClients(this.#core);
    this.#core.deliver(entries);
  }

  /** The number of the newest delivery, for `settled`. */
  get deliveryNumber(): number {
    return this.#core.deliveries.number;
  }

  /**
   * Resolves when all deliveries that have started are finished. Undefined when no delivery after `since` is unfinished.
   *
   * @param since An earlier `deliveryNumber`. Default 0.
   */
  settled(since?: number): Promise<void> | undefined {
    return this.#core.deliveries.settled(since);
  }

  /**
   * Undefined when publishers may deliver more messages now. Otherwise a promise: call `room` again when the promise resolves.
   * Publishers that wait for `room` keep the memory for unfinished deliveries bounded.
   */
  room(): Promise<void> | undefined {
    return this.#core.deliveries.room();
  }

  /** Statistics of the manager. Takes time in proportion to the number of clients. */
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
 * Returns the methods that save and restore the clients of a manager that hibernates. They are not methods of `RealtimeManager`
 * because only adapters need them.
 */
export function hibernationOf(manager: RealtimeManager): HibernationSupport {
  return createHibernationSupport(coreOf(manager));
}

/** Returns the object that applies the manager's rules and the options of subscriptions, for reads of the history. */
export function contentsOf(manager: RealtimeManager): MessageContents {
  return coreOf(manager).contents;
}

/** Returns the presence of a manager. Undefined without `ManagerOptions.presence`. Only adapters need it. */
export function presenceOf(manager: RealtimeManager): PresenceSupport | undefined {
  return createPresenceSupport(coreOf(manager));
}

/** Returns the function that continues after a gap in a log. Only a log over several processes has gaps. */
export function gapListenerOf(manager: RealtimeManager, log: LogReader): GapListener {
  return (gap) => continueAfterGap(coreOf(manager), gap, log.cursor());
}
