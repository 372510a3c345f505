import type { HistoryPage, HistoryRequest } from "../log/history.ts";
import type { KeptStats, PublishReceipt } from "../log/log.ts";
import type { LatencyStats } from "../realtime/latency.ts";
import type { MemberInfo, MembersEvent } from "../realtime/presence/presence.ts";
import type {
  ClientInfo,
  CloseReason,
  FrameSink,
  ManagerStats,
  Message,
  Principal,
  Revocation,
  StartPosition,
  StreamOptions,
  SubscribeRequest,
  TopicInfo,
} from "../realtime/types.ts";
import type { Bytes } from "../realtime/units.ts";

/** A request to open a stream: the principal that opens it, the position at which it starts, and its options. */
export interface ConnectRequest extends Principal, StartPosition, StreamOptions {
  /** The client's first subscription keys. Default: none. */
  readonly topics?: readonly string[] | undefined;
}

/** A connection that `ClientRegistry.open` has reserved. Frames flow after `attach`. */
export interface ClientConnection {
  /**
   * The client id, which can't be guessed. It contains the client's shard and the log's epoch. If there is a cursor, the id
   * starts with it and can be sent as `Last-Event-ID`: `<cursor>.V1StGXR8_Z5jdHi6B-myT`.
   */
  readonly clientId: string;
  /** The cursor at which the stream starts. Undefined if the client can't resume from the start of the stream. */
  readonly cursor: string | undefined;
  /**
   * Number of clients that the shard had when this client connected. Undefined if the registry is in this process. If the
   * shard fails, all its clients reconnect. Their reconnects are spread over a time that grows with this number.
   */
  readonly shardClients?: number | undefined;
  /**
   * Adds the client to the registry and starts to write its frames to the sink. Write the handshake to the sink before this
   * call, because the handshake must be the first frame. The registry calls `sink.close(reason)` when the connection ends,
   * whether the client or the server ended it.
   *
   * @throws RealtimeError as `ClientRegistry.open`: a limit may have been reached since `open`.
   */
  attach(sink: FrameSink): Promise<void>;
  /**
   * The cursor of the client's position in the log. It may be newer than the last event id that the client received, because
   * the position also advances with messages to which the client has no subscription. Undefined if the log keeps no history,
   * if no cursor can name the position, or if only the shard knows the position.
   */
  resumeCursor(): string | undefined;
  /** Records that the client is active. Called at a heartbeat if the client has no waiting bytes. */
  updateActivity(): void;
  /** Ends the connection. May be called at any time, before `attach` and more than once. The first reason counts. */
  close(reason: CloseReason): void;
}

/** Statistics of a registry, combined over all shards. */
export interface RegistryStats extends ManagerStats {
  /** When the oldest shard was started, in ISO 8601. */
  readonly startedAt: string;
  /** Number of messages that the log has accepted since it was opened. */
  readonly accepted: number;
  /** Number of messages that were not accepted because the log remembered their ids. */
  readonly duplicate: number;
  /** Number and size of the messages that the log has now. */
  readonly history: { readonly messages: number; readonly bytes: Bytes };
  /** Statistics of the messages that topic rules keep. All are 0 for a log that does not apply such rules. */
  readonly kept: KeptStats;
  /** Times from the call of `publish` to the last write. In workerd, the clock stands still while code runs. */
  readonly publishLatency: LatencyStats;
  /** Only in a registry over several processes. */
  readonly processes?: ProcessStats | undefined;
}

/** The processes that are included in statistics. */
export interface ProcessStats {
  /** Number of living processes. */
  readonly living: number;
  /** Names of the processes that did not answer. They are included with the statistics of their last heartbeat. */
  readonly silent: readonly string[];
}

/** Called when a topic gets its first subscriber (`occupied`), and when the grace of its last one has ended (`vacated`). */
export type OccupancyListener = (topic: string, change: "occupied" | "vacated") => void;

/** A request to add fields to the info of a client in a topic. */
export interface InfoRequest {
  readonly clientId: string;
  readonly topic: string;
  /** Fields besides those of `Principal.info`. They replace the fields of the request before. */
  readonly info: MemberInfo;
  /** The sender of the request. */
  readonly principal: Principal;
}

/** Selects one page of a list. */
export interface PageRequest {
  /** Maximum number of items, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** `next` of the previous page. Default: the first page is read. */
  readonly after?: string | undefined;
}

/** One page of the connected clients. */
export interface ClientPage {
  /** Sorted by id. A registry with shards lists the clients of one shard after those of another. */
  readonly clients: readonly ClientInfo[];
  /** `PageRequest.after` for the next page. Undefined on the last page. */
  readonly next: string | undefined;
}

/** One page of the topics that have subscriptions. */
export interface TopicPage {
  /** Sorted by name. */
  readonly topics: readonly TopicInfo[];
  /** `PageRequest.after` for the next page. Undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * The clients of a server. They are connected to this process (`createInProcessRegistry`), to several processes
 * (`createClusterRegistry`) or to Durable Objects (`createDurableObjectRegistry`). All arguments and results, except sinks and
 * connections, can be sent to another process.
 * In a registry with shards or several processes, every method except `close` may also throw `unreachable`.
 *
 * To write another adapter, run the contract tests in `test/suites/registry.ts` against it.
 */
export interface ClientRegistry {
  /**
   * Reserves a client id and, in a registry with shards, selects the shard. The client receives frames after `attach`. A hub
   * registers the client in `open`. The in-process registry registers it in `attach`.
   *
   * @throws RealtimeError `revoked`; `refused_token` if the credential has expired; `too_many_clients`; `too_many_requests`
   *   if one address has too many clients or keys; `invalid_filter`, `invalid_fields` or `invalid_input` for the options of a
   *   key; `invalid_input` if the keys overlap with the rights in too many topics; `closed`.
   */
  open(request: ConnectRequest): Promise<ClientConnection>;
  /**
   * Replaces a client's subscriptions. A request that arrived before the newest applied request changes nothing. It fails only
   * with an error of its keys, `unknown_client` or `ip_mismatch`.
   *
   * @throws RealtimeError In the order of the checks: errors of the keys (`invalid_filter`, `invalid_fields` or `invalid_input`
   *   for the options of a key; `invalid_input` if a key contains a line break or NUL, or if the keys overlap with the rights
   *   in too many topics); `unknown_client`; `ip_mismatch`; `identity_changed`; `revoked`; `refused_token` if the credential
   *   has expired; `too_many_clients` or `too_many_requests` if there are too many keys.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void>;
  /**
   * Appends messages to the log, in their order. Resolves when the log has the messages and they were delivered. An error
   * other than `unreachable` means that no message was appended.
   *
   * @param publisher The principal that publishes. Its credential is checked again, because it may have expired during the
   *   request. Omit it for the embedding app and for operators.
   * @returns One receipt for each message, in the same order.
   * @throws RealtimeError `id_reused`; `revoked`; `refused_token` if the credential has expired; `invalid_input` for a message
   *   of more than 1,900,000 bytes in a Durable Object; `storage_failed` when a log on disk can't be written; `closed`.
   */
  publish(messages: readonly Message[], publisher?: Principal): Promise<readonly PublishReceipt[]>;
  /**
   * Reads a page of the history. A registry with shards reads the log of one shard.
   *
   * @param reader The principal that reads. The page has private messages only of topics to which this principal has a right.
   *   Default: a guest.
   * @throws RealtimeError `revoked`; `refused_token` if the credential has expired; `invalid_filter`, `invalid_fields` or
   *   `invalid_input` for the options of a key; `unknown_cursor`.
   */
  history(request: HistoryRequest, reader?: Principal): Promise<HistoryPage>;
  /**
   * Sends one event to one client. The log does not get the event.
   *
   * @returns false if the client is not connected, or was too slow and has been removed.
   * @throws RealtimeError `invalid_event` if the event or data can't be written.
   */
  send(clientId: string, event: string, data: unknown): Promise<boolean>;
  /** Lists the connected clients, page by page. */
  clients(page?: PageRequest): Promise<ClientPage>;
  /**
   * Explains why a client id is unknown: another process, or this process before a restart, assigned the id. Undefined for any other
   * id. Omit the method if each process reaches all clients.
   */
  explainUnknownClient?(clientId: string): string | undefined;
  /** Returns a description of one client. Undefined if the client is not connected. */
  client(clientId: string): Promise<ClientInfo | undefined>;
  /** Lists the topics that have subscriptions on any shard, page by page. */
  topics(page?: PageRequest): Promise<TopicPage>;
  /**
   * Returns the members of a topic.
   *
   * @param reader The principal that reads. Its credential is checked again. Omit it for the embedding app and for operators.
   * @throws RealtimeError `revoked`; `refused_token` if the credential has expired; `invalid_input` if no topic rule gives the
   *   topic presence.
   */
  members(topic: string, reader?: Principal): Promise<MembersEvent>;
  /**
   * Adds fields to the info of a client in a topic (`PresenceSupport.extendInfo`).
   *
   * @throws RealtimeError As `PresenceSupport.extendInfo`; `invalid_input` if no topic rule gives the topic presence.
   */
  extendInfo(request: InfoRequest): Promise<void>;
  /** Disconnects a client. Returns false if the client is not connected. */
  disconnect(clientId: string): Promise<boolean>;
  /**
   * Disconnects one client, or all clients of a subject. Credentials that were issued to the subject before the call are
   * refused from then on.
   *
   * @returns The number of clients that were disconnected.
   * @throws RealtimeError `storage_failed` when a log on disk can't store the revocation. The clients are disconnected then, and
   *   the revocation holds until the process ends.
   */
  revoke(revocation: Revocation): Promise<number>;
  /**
   * Erases the messages to topics from the history (`MessageLog.erase`). A registry with shards erases them from every log.
   *
   * @param topic A topic, `prefix/*` or `*`, as in a subscription.
   * @returns The number of erased messages. A registry with shards counts a message once.
   */
  erase(topic: string): Promise<number>;
  stats(): Promise<RegistryStats>;
  /**
   * Returns the statistics of this process only, for probes and scrapes. Omit the method if `stats` asks no other process, or if
   * this process has none.
   */
  processStats?(): Promise<RegistryStats>;
  /**
   * Checks that messages can be stored. Omit the method if `stats` also throws when messages can't be stored.
   *
   * @throws RealtimeError `storage_failed` when the last write has failed.
   */
  assertWritable?(): void;
  /**
   * Disconnects all clients of this process with `shutdown`. The in-process registry first writes all accepted messages and the
   * rest of each replay to the sinks. A registry with shards first writes the frames that the shards have sent. `close` has no
   * time limit: the caller must set one.
   */
  close(): Promise<void>;
}
