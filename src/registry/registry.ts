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

/** Who opens a stream, and where it begins. */
export interface ConnectRequest extends Principal, StartPosition {
  /** Subscription keys to begin with. Default: none. */
  readonly topics?: readonly string[] | undefined;
}

/** A reserved client id, and the way to start its deliveries. */
export interface ClientConnection {
  /**
   * Begins with the client's shard and the log's life, and cannot be guessed. Where there is a history it is a place to
   * resume from, as every event's id: `<cursor>.V1StGXR8_Z5jdHi6B-myT`.
   */
  readonly clientId: string;
  /** Where its stream begins; undefined when that is no place it could resume from. */
  readonly cursor: string | undefined;
  /** How many clients its shard had when it connected, where the shard is another process's: they lose it together. */
  readonly shardClients?: number | undefined;
  /**
   * From here on frames go to the sink. The caller has written the handshake: nothing may overtake it.
   * Whichever side ends the connection, `sink.close(reason)` is called once it is out of the registry.
   */
  attach(sink: FrameSink): Promise<void>;
  /**
   * How far the client has come, as an id to come back with: while its own topics are silent, the history moves on
   * past the last id that it saw. Undefined where this side does not know, or there is no such place.
   */
  resumeCursor(): string | undefined;
  /** The client showed life: a keep-alive drained. */
  updateActivity(): void;
  /** Ends it from this side. Safe at any time, also before `attach` and more than once. */
  close(reason: CloseReason): void;
}

/** Counts over all shards. */
export interface RegistryStats extends ManagerStats {
  /** When the oldest part of it was constructed: ISO 8601. */
  readonly startedAt: string;
  /** Messages taken into the log. */
  readonly accepted: number;
  /** Messages answered from memory because their id was known. */
  readonly duplicate: number;
  /** What the log keeps for resuming, now. */
  readonly history: { readonly messages: number; readonly bytes: number };
  /** From the call of a publish to the end of its writes. In workerd no time passes while it computes. */
  readonly publishLatency: LatencyStats;
}

/** Which clients or topics to list. */
export interface PageRequest {
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

export interface ClientPage {
  readonly clients: readonly ClientInfo[];
  /** Ask for the page behind this one with it; undefined on the last page. */
  readonly next: string | undefined;
}

export interface TopicPage {
  /** In the order of their names. */
  readonly topics: readonly TopicInfo[];
  /** As `ClientPage.next`. */
  readonly next: string | undefined;
}

/** Where clients live. Everything that crosses this line is data. `test/suites/registry.ts` says how it behaves. */
export interface ClientRegistry {
  /**
   * Reserves a client id (and, on Workers, its shard). Nothing flows yet, nothing is held yet.
   *
   * @throws RealtimeError `revoked`, `too_many_clients` or, of one address, `too_many_requests`.
   */
  open(request: ConnectRequest): Promise<ClientConnection>;
  /**
   * Replaces a client's subscriptions.
   *
   * @throws RealtimeError `unknown_client`, `ip_mismatch`, `identity_changed`, `revoked`, checked in that order. A
   *   request that a newer one has overtaken changes nothing, and is checked as far as `ip_mismatch`.
   */
  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void>;
  /**
   * Takes all messages into the log, in order, or none. Answers when the log has them.
   *
   * @param publisher Who asks, if it is not the embedding app or an operator: their credential may have ended since.
   * @throws RealtimeError `id_reused`, `revoked`, `refused_token` when the credential has expired.
   */
  publish(messages: readonly Message[], publisher?: Principal): Promise<readonly PublishReceipt[]>;
  /**
   * Messages that were published before, of one shard.
   *
   * @param reader Who asks: private messages are read by their rights. Default: a guest.
   * @throws RealtimeError `unknown_cursor`, `revoked`, `refused_token` when the credential has expired.
   */
  history(request: HistoryRequest, reader?: Principal): Promise<HistoryPage>;
  /** One event to one client, outside the log; false when it is unknown or gone. */
  send(clientId: string, event: string, data: unknown): Promise<boolean>;
  clients(page?: PageRequest): Promise<ClientPage>;
  /**
   * Whether another process, or an earlier start of this one, made this client id. Left out where all processes reach all
   * clients.
   */
  isFromAnotherProcess?(clientId: string): boolean;
  /** Undefined when the client is unknown. */
  client(clientId: string): Promise<ClientInfo | undefined>;
  /** Topics that somebody subscribes to, over all shards. */
  topics(page?: PageRequest): Promise<TopicPage>;
  /** False when the client is unknown. */
  disconnect(clientId: string): Promise<boolean>;
  /**
   * Takes the rights of one client, or of a subject, and ends their streams. Of a subject, what was issued up to now
   * is refused from then on.
   *
   * @returns how many streams were ended.
   */
  revoke(revocation: Revocation): Promise<number>;
  stats(): Promise<RegistryStats>;
  /**
   * Ends every connection with `shutdown`; what was accepted is written to its sinks before, to those that are
   * being replayed to as well. Who called decides how long that may take.
   */
  close(): Promise<void>;
}
