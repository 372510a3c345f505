import {
  DEFAULT_KEPT,
  type HistoryLimits,
  type LogOptions,
  type RememberedIdLimits,
  type RevocationStore,
} from "../../log/log.ts";
import { RevocationRows } from "../../log/revocation-rows.ts";
import { SqliteLog } from "../../log/sqlite.ts";
import {
  type ClientSnapshot,
  type HibernationSupport,
  hibernationOf,
  type ManagerOptions,
  RealtimeManager,
  type ReplayProgress,
} from "../../realtime/manager.ts";
import type { ClientInfo } from "../../realtime/types.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { applyInitialSubscriptions, type StreamIdentity } from "../connect.ts";
import type { ConnectRequest } from "../registry.ts";
import { HubSocketSink } from "./hub-sink.ts";
import { StorageDatabase } from "./storage-database.ts";
import { SubscriptionStore } from "./subscription-store.ts";
import { UnfinishedDelivery } from "./unfinished-delivery.ts";

/**
 * Maximum delay of an alarm: 30 days. Needed because the runtime throws for an alarm after the year 2189. An alarm that fires
 * before anything has expired schedules the next alarm.
 */
const MAX_ALARM_DELAY: Milliseconds = 30 * 86_400_000;

/** A row in a Durable Object has at most 2 MB. The remaining 100,000 bytes are for the other columns. */
const MAX_MESSAGE_BYTES: Bytes = 1_900_000;

/** Options of `RealtimeHub`. */
export interface RealtimeHubOptions extends Omit<ManagerOptions, "now"> {
  /** Bounds on the messages that the hub keeps. Default for each bound: `DEFAULT_HISTORY`. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** Bounds on the message ids that the hub remembers. Default for each bound: `DEFAULT_REMEMBERED_IDS`. */
  readonly rememberedIds?: Partial<RememberedIdLimits> | undefined;
  /** Topic rules. The hub applies `keep`. The Worker applies the other fields when it publishes. Default: no rules. */
  readonly topics?: LogOptions["topics"];
  /** `KeptLimits.bytes`. Default 64 MiB. */
  readonly keptBytes?: Bytes | undefined;
  /** `KeptLimits.topics`. Default 100,000. */
  readonly keptTopics?: number | undefined;
}

/**
 * The attachment of a client's socket, which the runtime keeps while the hub hibernates. An attachment has room for 16 KiB, so
 * the client's rights, auth record and subscription keys are stored in SQLite.
 */
export interface Attachment extends Omit<ClientSnapshot, "rights" | "auth"> {
  /** Undefined for a client that is live. */
  readonly progress?: ReplayProgress | undefined;
}

/** Reads the attachment of a hub's socket. */
export function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment();
}

/**
 * The state of a hub: the manager, the log, and the stored copies of the clients for the next wake. After each change of a
 * client in the manager, the hub must store the client again.
 */
export class HubState {
  readonly manager: RealtimeManager;
  readonly hibernation: HibernationSupport;
  readonly log: SqliteLog;
  readonly subscriptions: SubscriptionStore;
  readonly revocations: RevocationStore;
  readonly unfinishedDelivery: UnfinishedDelivery;
  readonly #ctx: DurableObjectState;

  /** @param shard Index of the shard, from 0. */
  constructor(ctx: DurableObjectState, shard: number, options: RealtimeHubOptions) {
    const database = new StorageDatabase(ctx.storage);
    this.#ctx = ctx;
    this.manager = new RealtimeManager(options);
    this.hibernation = hibernationOf(this.manager);
    const { history, rememberedIds, topics, keptBytes, keptTopics } = options;
    const kept = {
      bytes: keptBytes ?? DEFAULT_KEPT.bytes,
      topics: keptTopics ?? DEFAULT_KEPT.topics,
    };
    this.log = new SqliteLog({
      database,
      shard,
      history,
      rememberedIds,
      topics,
      kept,
      maxMessageBytes: MAX_MESSAGE_BYTES,
    });
    this.subscriptions = new SubscriptionStore(database);
    this.revocations = new RevocationRows(database);
    this.unfinishedDelivery = new UnfinishedDelivery(database);
  }

  /**
   * Registers a client and stores it.
   *
   * @param socket The hub's end of the client's socket. It is accepted here.
   */
  addClient(connect: ConnectRequest, identity: StreamIdentity, socket: WebSocket): void {
    const { clientId } = identity;
    const { ip, identity: subject, expiresAt } = connect;
    const connectedAt = Date.now();
    const attachment: Attachment = { clientId, ip, identity: subject, expiresAt, connectedAt };
    // First, because `serializeAttachment` may throw: each accepted socket must have an attachment.
    socket.serializeAttachment(attachment);
    // A tag can have up to 256 characters, and a client id has fewer.
    this.#ctx.acceptWebSocket(socket, [clientId]);
    this.manager.registerClient(clientId, new HubSocketSink(socket), connect, connectedAt);
    applyInitialSubscriptions(this.manager, connect, identity);
    this.storeSubscriptions(clientId);
    this.storeAttachment(clientId);
  }

  /** Stores a client's subscription keys, rights and auth record. */
  storeSubscriptions(clientId: string): void {
    const { subscriptions: keys = [] } = this.manager.getClient(clientId) ?? {};
    const { rights = [], auth } = this.hibernation.snapshotOf(clientId) ?? {};
    this.subscriptions.set(clientId, { keys, rights, auth });
  }

  /** Stores the rest of a client's principal and the progress of its replay, in the attachment of its socket. */
  storeAttachment(clientId: string): void {
    const snapshot = this.hibernation.snapshotOf(clientId);
    if (snapshot === undefined) return;
    const { rights: _, auth: __, ...client } = snapshot;
    const progress = this.hibernation.replayProgressOf(clientId);
    const attachment: Attachment = { ...client, progress };
    for (const socket of this.#ctx.getWebSockets(clientId)) socket.serializeAttachment(attachment);
  }

  /** Calls `manager.expire`, and stores the clients that have changed. */
  expireCredentials(): void {
    for (const clientId of this.manager.expire()) {
      // A client with keys has become a guest. A client without keys was removed, had no keys before, or lost its keys because
      // guests may not subscribe.
      if (this.manager.getClient(clientId)?.subscriptions.length) {
        this.subscriptions.removeCredential(clientId);
      } else {
        this.subscriptions.remove(clientId);
      }
      this.storeAttachment(clientId);
    }
  }

  /** Adds the time of the last liveness ping. The runtime answers these pings without waking the hub. */
  withLastPing(client: ClientInfo): ClientInfo {
    const [socket] = this.#ctx.getWebSockets(client.clientId);
    const pingedAt = socket && this.#ctx.getWebSocketAutoResponseTimestamp(socket);
    const lastActivityAt = Math.max(client.lastActivityAt, pingedAt?.getTime() ?? 0);
    return { ...client, lastActivityAt };
  }

  /**
   * Sets the alarm to the time at which the next credential expires, or at which all messages and remembered ids have expired,
   * whichever is first. Keeps an alarm that is early enough for the next credential. Sets no alarm if nothing is stored that
   * expires.
   */
  async scheduleAlarm(): Promise<void> {
    const { expiresIn } = this.manager;
    const scheduled = await this.#ctx.storage.getAlarm();
    const credentialsAt = expiresIn === undefined ? undefined : Date.now() + expiresIn;
    // The alarm is not set earlier for the log, because `log.expiresAt` reads many rows. The next read or publish, or else the
    // alarm, deletes the messages that have expired in the meantime.
    if (scheduled !== null && (credentialsAt === undefined || scheduled <= credentialsAt)) return;
    const logAt = this.log.expiresAt();
    if (credentialsAt === undefined && logAt === undefined) return;
    const at = Math.min(
      credentialsAt ?? Number.POSITIVE_INFINITY,
      logAt ?? Number.POSITIVE_INFINITY,
      Date.now() + MAX_ALARM_DELAY,
    );
    await this.#ctx.storage.setAlarm(at);
  }
}
