import type { HistoryPage, HistoryRequest } from "../log/history.ts";
import type { PublishReceipt } from "../log/log.ts";
import type { LatencyStats } from "../realtime/latency.ts";
import type {
  ClientInfo,
  CloseReason,
  FrameSink,
  ManagerStats,
  Message,
  Principal,
  Revocation,
  StartPosition,
  SubscribeRequest,
  TopicInfo,
} from "../realtime/types.ts";
import type { Bytes } from "../realtime/units.ts";

/** A request to open a stream: the principal that opens it, and the position where the stream starts. */
export interface ConnectRequest extends Principal, StartPosition {
  /** Subscription keys that the client starts with. Default: none. */
  readonly topics?: readonly string[] | undefined;
}

/** A connection that `ClientRegistry.open` has reserved. Frames flow after `attach`. */
export interface ClientConnection {
  /**
   * The client id, which can't be guessed. It names the client's shard and the log's epoch. If there is a history to resume
   * from, the id starts with a cursor and can be sent as `Last-Event-ID`: `<cursor>.V1StGXR8_Z5jdHi6B-myT`.
   */
  readonly clientId: string;
  /** The cursor where the stream starts. Undefined if the client could not resume from this position. */
  readonly cursor: string | undefined;
  /**
   * How many clients the shard had when this client connected. Undefined if the registry is in this process. If the shard fails,
   * all of its clients reconnect at once, so the number decides how widely their reconnects are spread.
   */
  readonly shardClients?: number | undefined;
  /**
   * Adds the client to the registry and starts to write its frames to the sink. Write the handshake first, since no frame may
   * overtake it. The registry calls `sink.close(reason)` after it has removed the client, whichever side ends the connection.
   *
   * @throws RealtimeError as `ClientRegistry.open`: a limit may have been reached since then.
   */
  attach(sink: FrameSink): Promise<void>;
  /**
   * A cursor of the client's position in the log. It may be newer than the last event id that the client received, because
   * messages that the client does not subscribe to move its position as well. Undefined if there is no history to resume from,
   * or if the position is known only to the shard.
   */
  resumeCursor(): string | undefined;
  /** Records that the client is alive: it has read a heartbeat. */
  updateActivity(): void;
  /** Ends the connection. May be called at any time, before `attach` and more than once. The first reason counts. */
  close(reason: CloseReason): void;
}

/** Counters of a registry, added up over all shards. */
export interface RegistryStats extends ManagerStats {
  /** When the oldest shard was started, in ISO 8601. */
  readonly startedAt: string;
  /** Messages that the log accepted. */
  readonly accepted: number;
  /** Messages that were not accepted because the log already had their ids. */
  readonly duplicate: number;
  /** Number and size of the messages that the log has now. */
  readonly history: { readonly messages: number; readonly bytes: Bytes };
  /** From the call of `publish` to the last write. In workerd, the clock stands still while code runs. */
  readonly publishLatency: LatencyStats;
}

/** Selects one page of a list. */
export interface PageRequest {
  /** How many items the page may have, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** `next` of the page before. Default: the first page. */
  readonly after?: string | undefined;
}

/** One page of the connected clients. */
export interface ClientPage {
  /** In the order of their ids. A registry with shards lists one shard after the other. */
  readonly clients: readonly ClientInfo[];
  /** `PageRequest.after` for the next page. Undefined on the last page. */
  readonly next: string | undefined;
}

/** One page of the topics that have subscriptions. */
export interface TopicPage {
  /** In the order of their names. */
  readonly topics: readonly TopicInfo[];
  /** `PageRequest.after` for the next page. Undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * The clients of a server, wherever they are connected: in this process (`createInProcessRegistry`) or in Durable Objects
 * (`createDurableObjectRegistry`). All arguments and results, except the sinks, can be sent to another process.
 *
 * To write another adapter, run the contract tests in `test/suites/registry.ts` against it.
 */
export interface ClientRegistry {
  /**
   * Reserves a client id and, in a registry with shards, the shard. Frames reach the client from `attach` on. A hub registers the
   * client at once; the in-process registry registers it in `attach`.
   *
   * @throws RealtimeError `revoked`, `refused_token` if the credential has expired, `too_many_clients`, `too_many_requests`
   *   if one address has too many clients, `invalid_input` if the keys match too many rights, or `closed`.
   */
  open(request: ConnectRequest): Promise<ClientConnection>;
  /**
   * Replaces a client's subscriptions. A request that arrived before the newest applied request changes nothing, and is checked
   * only for `unknown_client` and `ip_mismatch`.
   *
   * @throws RealtimeError `unknown_client`, `ip_mismatch`, `identity_changed` or `revoked`, checked in this order; then
   *   `refused_token` if the credential has expired, `too_many_clients` or `too_many_requests` if there are too many keys, and
   *   `invalid_input` if the keys match too many rights.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void>;
  /**
   * Appends messages to the log, in their order: all of them or, if the call throws, none. Resolves after the log has the
   * messages and they were delivered.
   *
   * @param publisher The principal that publishes. Its credential is checked again, since it may have ended during the
   *   request. Leave it out for the embedding app and for operators.
   * @returns one receipt for each message, in the same order.
   * @throws RealtimeError `id_reused`, `revoked`, `refused_token` if the credential has expired, or `closed`.
   */
  publish(messages: readonly Message[], publisher?: Principal): Promise<readonly PublishReceipt[]>;
  /**
   * Reads a page of published messages. A registry with shards reads the log of one of them.
   *
   * @param reader The principal that reads. The page has private messages only of topics that its rights cover. Default: a guest.
   * @throws RealtimeError `unknown_cursor`, `revoked`, or `refused_token` if the credential has expired.
   */
  history(request: HistoryRequest, reader?: Principal): Promise<HistoryPage>;
  /** Sends one event to one client without adding it to the log. False if the client is unknown or has disconnected. */
  send(clientId: string, event: string, data: unknown): Promise<boolean>;
  /** Lists the connected clients, page by page. */
  clients(page?: PageRequest): Promise<ClientPage>;
  /**
   * Whether another process, or this process before a restart, assigned this client id. Leave the method out if each process
   * reaches all clients.
   */
  isFromAnotherProcess?(clientId: string): boolean;
  /** One client. Undefined if it is unknown. */
  client(clientId: string): Promise<ClientInfo | undefined>;
  /** Lists the topics that have subscriptions on any shard, page by page. */
  topics(page?: PageRequest): Promise<TopicPage>;
  /** Disconnects a client. False if it is unknown. */
  disconnect(clientId: string): Promise<boolean>;
  /**
   * Disconnects one client, or all clients of a subject. Credentials of the subject that were issued before the call are
   * rejected from then on.
   *
   * @returns how many clients were disconnected.
   */
  revoke(revocation: Revocation): Promise<number>;
  stats(): Promise<RegistryStats>;
  /**
   * Disconnects all clients with `shutdown`, after everything that was accepted is written to their sinks, replays included.
   * `close` has no time limit: the caller must set one.
   */
  close(): Promise<void>;
}
