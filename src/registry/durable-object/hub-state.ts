import { DEFAULT_KEPT, type PublishReceipt, type RevocationStore } from "../../log/log.ts";
import { RevocationRows } from "../../log/revocation-rows.ts";
import { SqliteLog } from "../../log/sqlite.ts";
import { LatencyHistogram } from "../../realtime/latency.ts";
import {
  type ClientSnapshot,
  type HibernationSupport,
  hibernationOf,
  presenceOf,
  RealtimeManager,
  type ReplayProgress,
} from "../../realtime/manager.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import { TopicRules } from "../../realtime/topic-rules.ts";
import type { ClientInfo, CloseReason, Message } from "../../realtime/types.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { applyInitialSubscriptions, type StreamIdentity } from "../connect.ts";
import { RegistryMembers } from "../in-process/members.ts";
import type { ConnectRequest, OccupancyListener } from "../registry.ts";
import { EventQueue } from "./event-queue.ts";
import { checkFormat } from "./hub-format.ts";
import type { RealtimeHubOptions } from "./hub-options.ts";
import { HubPresence } from "./hub-presence.ts";
import { HubSocketSink } from "./hub-sink.ts";
import { PresenceRows } from "./presence-rows.ts";
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

/**
 * The attachment of a client's socket, which the runtime keeps while the hub hibernates. An attachment has room for 16 KiB, so
 * the client's rights, auth record and subscription keys are stored in SQLite.
 */
export interface Attachment extends Omit<ClientSnapshot, "rights" | "auth"> {
  /**
   * Undefined for a client that is live. `awaitsMembers` is an empty list for a client that waits for members, because its keys may
   * be too long for an attachment.
   */
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
  readonly latency = new LatencyHistogram();
  readonly members: RegistryMembers;
  /** Undefined if no topic has presence. */
  readonly presence: HubPresence | undefined;
  /** Undefined if no backend is told of events. */
  readonly events: EventQueue | undefined;
  readonly #ctx: DurableObjectState;

  /**
   * @param shard Index of the shard, from 0.
   * @throws Error if a newer version of the code has written the hub's tables.
   */
  constructor(ctx: DurableObjectState, shard: number, options: RealtimeHubOptions) {
    const database = new StorageDatabase(ctx.storage);
    checkFormat(database);
    this.#ctx = ctx;
    const { history, rememberedIds, topics, keptBytes, keptTopics, tells } = options;
    this.events = tells && new EventQueue(database, tells);
    const tracksOccupancy = this.events?.tellsOccupancy;
    const hasPresence = tracksOccupancy || topics?.some(({ presence }) => presence);
    this.manager = new RealtimeManager({
      ...options,
      presence: hasPresence
        ? { topics: new TopicRules(topics), grace: options.presenceGrace, tracksOccupancy }
        : undefined,
    });
    this.hibernation = hibernationOf(this.manager);
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
    let presence: HubPresence | undefined;
    this.members = new RegistryMembers(
      presenceOf(this.manager),
      (support) => {
        presence = this.#createPresence(support, new PresenceRows(database), shard, options);
        return presence;
      },
      () => {},
    );
    this.presence = presence;
  }

  #createPresence(
    presence: PresenceSupport,
    rows: PresenceRows,
    shard: number,
    { shards = 1, hub = noHub }: RealtimeHubOptions,
  ): HubPresence {
    const append = (messages: readonly Message[]) => this.append(messages);
    const onDue = () => this.scheduleAlarm();
    const { events } = this;
    const onOccupancy: OccupancyListener | undefined = events?.tellsOccupancy
      ? (topic, type) => events.tell({ type, topic })
      : undefined;
    return new HubPresence({ presence, rows, shard, shards, hub, append, onDue, onOccupancy });
  }

  /**
   * Appends messages to the log, which delivers them. An unfinished delivery is noted at once: with an `await` in between, the
   * runtime might commit only the messages.
   */
  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const receipts = this.log.append(messages);
    const settled = this.manager.settled();
    if (settled !== undefined) {
      this.unfinishedDelivery.note();
      void settled.then(() => {
        if (this.manager.settled() === undefined) this.unfinishedDelivery.clear();
      });
    }
    return receipts;
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
    this.events?.tellConnected(clientId, connect.isAdmin ? undefined : connect.identity);
    applyInitialSubscriptions(this.manager, connect, identity);
    this.storeSubscriptions(clientId);
    this.storeAttachment(clientId);
  }

  /** Removes the client of a socket that was closed. */
  removeClient(clientId: string, reason: CloseReason): void {
    this.manager.removeClient(clientId, reason);
    this.subscriptions.remove(clientId);
    this.events?.tellDisconnected(clientId, reason);
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
    const awaitsMembers = progress?.awaitsMembers && [];
    const attachment: Attachment = {
      ...client,
      progress: progress && { ...progress, awaitsMembers },
    };
    for (const socket of this.#ctx.getWebSockets(clientId)) socket.serializeAttachment(attachment);
  }

  /** Must be called at the end of each event that may change clients: reports the changes of members, and sets the alarm. */
  async settle(): Promise<void> {
    this.expireCredentials();
    await this.scheduleAlarm();
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
   * Sets the alarm to the time at which the next credential expires, presence must be reported, an event must be sent, or all
   * messages and remembered ids have expired, whichever is first. Keeps an alarm that is early enough. Sets no alarm
   * if nothing is stored that expires.
   */
  async scheduleAlarm(): Promise<void> {
    const scheduled = await this.#ctx.storage.getAlarm();
    // Read after the `await`: a report that has failed is due again a little later.
    const { expiresIn = Number.POSITIVE_INFINITY } = this.manager;
    const presenceAt = this.presence?.dueAt ?? Number.POSITIVE_INFINITY;
    const eventsAt = this.events?.dueAt ?? Number.POSITIVE_INFINITY;
    const dueAt = Math.min(Date.now() + expiresIn, presenceAt, eventsAt);
    // The alarm is not set earlier for the log, because `log.expiresAt` reads many rows. The next read or publish, or else the
    // alarm, deletes the messages that have expired in the meantime.
    if (scheduled !== null && (scheduled <= dueAt || dueAt === Number.POSITIVE_INFINITY)) return;
    const at = Math.min(dueAt, this.log.expiresAt() ?? Number.POSITIVE_INFINITY);
    if (at === Number.POSITIVE_INFINITY) return;
    // An alarm that is set during `alarm` for the present or the past may be lost (https://github.com/cloudflare/workerd/issues/6866).
    const now = Date.now();
    await this.#ctx.storage.setAlarm(Math.min(Math.max(at, now + 1), now + MAX_ALARM_DELAY));
  }
}

function noHub(): never {
  throw new Error("Presence over several shards needs the option `hub`.");
}
