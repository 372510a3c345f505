import { nanoid } from "nanoid";
import { RealtimeError } from "./errors.ts";
import { formatSSEComment, formatSSEMessage, isFieldText } from "./sse.ts";
import { SubscriptionIndex } from "./subscription-index.ts";
import {
  CLOSE_REASONS,
  type ClientInfo,
  type CloseReason,
  type FrameSink,
  type LogEntry,
  type Logger,
  type ManagerStats,
  type Peer,
  type SubscribeRequest,
} from "./types.ts";

/** What a manager may be given. */
export interface ManagerOptions {
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A connected client: live, and never handed out. */
interface Client {
  readonly clientId: string;
  readonly sink: FrameSink;
  readonly ip: string | undefined;
  identity: string | undefined;
  readonly connectedAt: number;
  lastActivityAt: number;
}

/**
 * The connected clients of one process or Durable Object, what they subscribe to, and delivery to them.
 *
 * It knows no HTTP and no runtime: a client is an id and a `FrameSink`. It holds no timer and no promise,
 * so an idle manager keeps nothing awake.
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
  #delivered = 0;
  #cursor = "";

  constructor(options: ManagerOptions = {}) {
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Takes in a client; frames go to its sink from now on.
   *
   * @param connectedAt When it came, in milliseconds since 1970. Default now.
   * @throws RealtimeError `client_exists` when the id is taken.
   */
  registerClient(
    clientId: string,
    sink: FrameSink,
    peer: Peer = {},
    connectedAt: number = this.#now(),
  ): void {
    if (this.#clients.has(clientId)) {
      throw new RealtimeError(
        "client_exists",
        `A client "${clientId}" is connected already; every connection needs an id of its own.`,
      );
    }
    this.#clients.set(clientId, {
      clientId,
      sink,
      ip: peer.ip,
      identity: peer.identity,
      connectedAt,
      lastActivityAt: connectedAt,
    });
    this.#logger?.debug("client connected", { clientId, ip: peer.ip });
  }

  /** Forgets a client and its subscriptions, counts why, and closes its sink. False when it is unknown. */
  removeClient(clientId: string, reason: CloseReason = "client"): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    const { bufferedBytes } = client.sink;
    this.#clients.delete(clientId);
    this.#index.remove(client);
    this.#disconnects[reason] += 1;
    client.sink.close(reason);
    const unwell = reason === "slow" || reason === "stale" || reason === "error";
    this.#logger?.[unwell ? "warn" : "debug"]("client disconnected", {
      clientId,
      reason,
      ip: client.ip,
      bufferedBytes,
      connectedSeconds: Math.round((this.#now() - client.connectedAt) / 1000),
    });
    return true;
  }

  /** Notes that a client showed life. False when it is unknown. */
  updateActivity(clientId: string): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    client.lastActivityAt = this.#now();
    return true;
  }

  /** Ids of all connected clients, in the order they came. */
  getAllClientIds(): string[] {
    return [...this.#clients.keys()];
  }

  /** One client, or undefined when it is unknown. */
  getClient(clientId: string): ClientInfo | undefined {
    const client = this.#clients.get(clientId);
    return client === undefined ? undefined : this.#describe(client);
  }

  /**
   * Clients in the order of their ids, for listing page by page: nobody is listed twice, whoever comes and
   * goes meanwhile.
   *
   * @param after The last client id of the page before, connected still or not.
   */
  listClients(limit: number, after = ""): ClientInfo[] {
    return this.getAllClientIds()
      .filter((clientId) => clientId > after)
      .toSorted()
      .slice(0, limit)
      .flatMap((clientId) => this.getClient(clientId) ?? []);
  }

  /**
   * Sends one event to one client, outside the log. Its id is unique and still a place to resume from:
   * the cursor of what was delivered last, and a suffix that reading a cursor ignores.
   *
   * @param data As in `formatSSEMessage`: a string goes out as it is, anything else as JSON; undefined is null.
   * @returns false when the client is unknown, gone, or was just found too slow.
   * @throws RealtimeError `invalid_event` (as a rejection) when event or data can't be written.
   */
  async sendEvent(clientId: string, event: string, data: unknown): Promise<boolean> {
    const id = `${this.#cursor}.${nanoid()}`;
    return this.#send(clientId, () => formatSSEMessage({ event, data: data ?? null, id }));
  }

  /** Sends a comment, which the page never sees. False as for `sendEvent`. */
  async sendComment(clientId: string, comment: string): Promise<boolean> {
    return this.#send(clientId, () => formatSSEComment(comment));
  }

  /**
   * Replaces what a client subscribes to. Repeats and empty strings count for nothing.
   *
   * Checks in PocketBase's order (apis/realtime.go, `realtimeSetSubscriptions`): the client exists, the
   * address is the stream's, the identity is the client's or the first it has.
   *
   * @throws RealtimeError `unknown_client`, `ip_mismatch` or `identity_changed`, and before those
   *   `invalid_input` for a key with CR, LF or NUL; then nothing was changed.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): void {
    // A key that can't be an event name would fail at delivery, and take other clients' messages with it.
    const unwritable = request.subscriptions.findIndex((key) => !isFieldText(key));
    if (unwritable !== -1) {
      throw new RealtimeError(
        "invalid_input",
        `Subscription ${unwritable} must not contain a line break or NUL.`,
      );
    }
    const client = this.#clients.get(clientId);
    if (client === undefined) {
      throw new RealtimeError("unknown_client", "Missing or invalid client id.");
    }
    if (client.ip !== undefined && client.ip !== request.ip) {
      throw new RealtimeError("ip_mismatch", "Invalid realtime client.");
    }
    if (client.identity !== undefined && client.identity !== request.identity) {
      throw new RealtimeError(
        "identity_changed",
        "The current and the previous request authorization don't match.",
      );
    }
    client.identity = request.identity;
    client.lastActivityAt = this.#now();
    this.#index.replace(client, request.subscriptions);
    this.#logger?.debug("subscriptions set", {
      clientId,
      subscriptions: this.#index.keysOf(client).length,
    });
  }

  /** Where the log stands, before anything was delivered: the base of `sendEvent`'s ids. */
  setCursor(cursor: string): void {
    this.#cursor = cursor;
  }

  /**
   * Hands entries of a log to everybody subscribed, in their order. A frame is encoded once for a
   * subscription key and shared by all its clients; one that can't keep up is removed and delays nobody.
   */
  deliver(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      this.#cursor = entry.cursor;
      // Nobody has a right to private messages until clients carry rights (issue 4): silence is the safe side.
      if (entry.message.private) continue;
      for (const subscription of this.#index.match(entry.message.topics)) {
        this.#deliverTo(subscription.key, subscription.clients, entry);
      }
    }
  }

  /** Counts; cheap enough to ask for at every scrape. */
  stats(): ManagerStats {
    return {
      clients: this.#clients.size,
      subscriptions: this.#index.size,
      topics: this.#index.topics,
      delivered: this.#delivered,
      disconnects: { ...this.#disconnects },
    };
  }

  /** Removes every client. */
  close(reason: CloseReason = "shutdown"): void {
    for (const clientId of this.getAllClientIds()) this.removeClient(clientId, reason);
  }

  #deliverTo(key: string, clients: ReadonlySet<Client>, entry: LogEntry): void {
    // A client found slow a moment ago may have been the last one here.
    if (clients.size === 0) return;
    const frame = this.#encoder.encode(
      formatSSEMessage({ event: key, data: entry.message.data, id: entry.cursor }),
    );
    for (const client of clients) {
      if (client.sink.write(frame)) this.#delivered += 1;
      else this.removeClient(client.clientId, "slow");
    }
  }

  #send(clientId: string, format: () => string): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    if (client.sink.write(this.#encoder.encode(format()))) return true;
    this.removeClient(clientId, "slow");
    return false;
  }

  #describe(client: Client): ClientInfo {
    const { clientId, ip, identity, connectedAt, lastActivityAt, sink } = client;
    return {
      clientId,
      ip,
      identity,
      subscriptions: this.#index.keysOf(client),
      connectedAt,
      lastActivityAt,
      bufferedBytes: sink.bufferedBytes,
    };
  }
}
