import { type Client, checkSubscriber, describeClient, newClient } from "./client.ts";
import type { Cursor } from "./cursor.ts";
import { deliverEntry } from "./delivery.ts";
import { RealtimeError } from "./errors.ts";
import { Replay, type ReplayState } from "./replay.ts";
import { Replays } from "./replays.ts";
import { formatSSEComment, formatSSEMessage } from "./sse.ts";
import { SubscriptionIndex } from "./subscription-index.ts";
import {
  CLOSE_REASONS,
  type ClientInfo,
  type CloseReason,
  type FrameSink,
  type LogEntry,
  type Logger,
  type LogReader,
  type ManagerStats,
  type Peer,
  type Start,
  type SubscribeRequest,
} from "./types.ts";

/** What a manager may be given. */
export interface ManagerOptions {
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What a client is on its way to, as plain data: for an owner that sleeps. */
export interface Progress {
  readonly replay?: ReplayState | undefined;
  readonly start?: Start | undefined;
  /** It was given something that it is to take before more comes. */
  readonly isBusy: boolean;
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
  readonly #replays: Replays<Client>;
  #delivered = 0;
  /** Of the message delivered last. */
  #cursor = "";
  /** Set once it is closing, with what happens when the last replay has ended. */
  #closing: { readonly reason: CloseReason; readonly done: () => void } | undefined;

  constructor(options: ManagerOptions = {}) {
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#replays = new Replays({
      logger: options.logger,
      cursor: () => this.#cursor,
      isHere: (client) => this.#clients.get(client.clientId) === client,
      remove: (client, reason) => this.removeClient(client.clientId, reason),
      ended: (client) => this.#endWhenClosing(client),
    });
  }

  /** Delivers what a log takes from now on, and replays from it. Returns how to stop that. */
  follow(log: LogReader): () => void {
    this.#replays.readFrom(log);
    this.#cursor = log.cursor();
    return log.tail((entries) => this.deliver(entries));
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
    this.#add(clientId, sink, peer, connectedAt);
    this.#logger?.debug("client connected", { clientId, ip: peer.ip });
  }

  /** Takes in a client again that its owner has kept through a sleep, with its keys and what `progressOf` said. */
  restoreClient(
    {
      clientId,
      connectedAt,
      subscriptions,
      ...peer
    }: Omit<ClientInfo, "lastActivityAt" | "bufferedBytes">,
    sink: FrameSink,
    { replay, start, isBusy }: Progress = { isBusy: false },
  ): void {
    const client = this.#add(clientId, sink, peer, connectedAt);
    client.start = start;
    client.isBusy = isBusy;
    this.#index.replace(client, subscriptions);
    if (replay !== undefined) client.replay = new Replay(this.#index.keysOf(client), replay);
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
   * the cursor that the client has come to, and a suffix that reading a cursor ignores.
   *
   * @param data As in `formatSSEMessage`: a string goes out as it is, anything else as JSON; undefined is null.
   * @returns false when the client is unknown, gone, or was just found too slow.
   * @throws RealtimeError `invalid_event` (as a rejection) when event or data can't be written.
   */
  async sendEvent(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#send(clientId, (client) =>
      formatSSEMessage({ event, data: data ?? null, id: this.#replays.ownId(client) }),
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
   * @throws RealtimeError as `checkSubscriber`; then nothing was changed.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): void {
    const client = this.#clients.get(clientId);
    checkSubscriber(client, request);
    client.identity = request.identity;
    client.lastActivityAt = this.#now();
    const before = this.#index.keysOf(client);
    this.#index.replace(client, request.subscriptions);
    const keys = this.#index.keysOf(client);
    this.#logger?.debug("subscriptions set", { clientId, subscriptions: keys.length });
    const { lastEventId = client.start?.lastEventId, last = client.start?.last } = request;
    const start = { lastEventId, last };
    const isSaid = lastEventId !== undefined || last !== undefined;
    client.start = keys.length === 0 && isSaid ? start : undefined;
    if (keys.length === 0) this.#replays.cancel(client);
    else this.#replays.begin(client, new Set(before), keys, start, request.isFirst ?? false);
  }

  /** The place in the log that an event id names; undefined when it is not of this life of the log. */
  placeOf(eventId: string): Cursor | undefined {
    return this.#replays.placeOf(eventId);
  }

  /** How far a client has come, as an id to come back with; undefined without a history to come back to. */
  placeOfClient(clientId: string): string | undefined {
    const client = this.#clients.get(clientId);
    return client && this.#replays.placeOfClient(client);
  }

  /** What the client is on its way to, for `restoreClient`; undefined when it is live. */
  progressOf(clientId: string): Progress | undefined {
    const { replay, start, isBusy = false } = this.#clients.get(clientId) ?? {};
    if (replay === undefined && start === undefined && !isBusy) return undefined;
    return { replay: replay?.state, start, isBusy };
  }

  /** The client has taken what it was given of a replay: goes on with it. */
  proceed(clientId: string): void {
    const client = this.#clients.get(clientId);
    if (client !== undefined) this.#replays.proceed(client);
  }

  /**
   * Hands entries of a log to everybody subscribed, in their order. A frame is encoded once for a
   * subscription key and shared by all its clients; one that can't keep up is removed and delays nobody.
   */
  deliver(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const before = this.#cursor;
      this.#cursor = entry.cursor;
      // Nobody has a right to private messages until clients carry rights (issue 4): silence is the safe side.
      if (entry.message.private) continue;
      deliverEntry(entry, before, this.#index.match(entry.message.topics), this.#write);
    }
  }

  /** Counts; cheap enough to ask for at every scrape. */
  stats(): ManagerStats {
    return {
      clients: this.#clients.size,
      subscriptions: this.#index.size,
      topics: this.#index.topics,
      ...this.#replays.stats,
      delivered: this.#delivered + this.#replays.stats.replayed,
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
      for (const client of this.#clients.values()) {
        if (client.replay === undefined) this.removeClient(client.clientId, reason);
      }
      this.#endWhenEmpty();
    });
  }

  #add(clientId: string, sink: FrameSink, peer: Peer, connectedAt: number): Client {
    if (this.#clients.has(clientId)) {
      throw new RealtimeError(
        "client_exists",
        `A client "${clientId}" is connected already; every connection needs an id of its own.`,
      );
    }
    const client = newClient(clientId, sink, peer, connectedAt);
    this.#clients.set(clientId, client);
    return client;
  }

  readonly #write = (client: Client, frame: Uint8Array): void => {
    if (client.sink.write(frame)) this.#delivered += 1;
    else this.removeClient(client.clientId, "slow");
  };

  #send(clientId: string, format: (client: Client) => string): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
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
