import { DurableObject } from "cloudflare:workers";
import { type HistoryPage, type HistoryRequest, readHistory } from "../../log/history.ts";
import type { HistoryLimits, PublishReceipt } from "../../log/log.ts";
import { SqliteLog } from "../../log/sqlite.ts";
import {
  type Flushable,
  FlushScheduler,
  type FrameBatch,
  joinFrames,
} from "../../realtime/delivery/frame-batch.ts";
import { LatencyHistogram } from "../../realtime/latency.ts";
import {
  type ClientSnapshot,
  type HibernationSupport,
  hibernationOf,
  type ManagerOptions,
  RealtimeManager,
  type ReplayProgress,
} from "../../realtime/manager.ts";
import type {
  ClientInfo,
  FrameSink,
  Message,
  Principal,
  Revocation,
  SubscribeRequest,
} from "../../realtime/types.ts";
import { applyInitialSubscriptions, assignClientId } from "../connect.ts";
import { toClientPage, toTopicPage } from "../paging.ts";
import type {
  ClientPage,
  ConnectRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { toRegistryStats } from "../stats.ts";
import {
  assertIdentityFits,
  CONNECT_HEADER,
  fromHeader,
  type HubRPC,
  type HubStreamIdentity,
  LIVENESS_PING,
  PAGE_ACK,
  REFUSED_STATUS,
  type RpcResult,
  toCloseReason,
  toHeader,
  toRpcResult,
} from "./protocol.ts";
import { RevocationStore } from "./revocation-store.ts";
import { SubscriptionStore } from "./subscription-store.ts";
import { UnfinishedDelivery } from "./unfinished-delivery.ts";

/** Milliseconds: the runtime takes no alarm after the year 2189, and one that rings early is set again. */
const LATEST = 30 * 86_400_000;

/** What a hub may be given. */
export interface RealtimeHubOptions extends Omit<ManagerOptions, "now"> {
  readonly history?: Partial<HistoryLimits> | undefined;
}

/** What stays with a socket while the hub sleeps: who is at its other end. Rights have more room in SQLite. */
interface Attachment extends Omit<ClientSnapshot, "rights"> {
  /** Left out for a client that is live. */
  readonly progress?: ReplayProgress | undefined;
}

/**
 * One shard: clients, subscriptions, log and delivery, in a Durable Object that sleeps while nothing happens.
 *
 * Nothing here may keep it awake: no timer, no open request, no promise that waits. Its clients hang on
 * hibernating WebSockets, each held by the Worker that holds the client's stream, and when something wakes
 * the object it finds them again: who they are in their sockets' attachments, what they want in SQLite.
 */
export class RealtimeHub<Env = unknown> extends DurableObject<Env> implements HubRPC {
  readonly #manager: RealtimeManager;
  readonly #hibernation: HibernationSupport;
  readonly #log: SqliteLog;
  readonly #subscriptions: SubscriptionStore;
  readonly #revocations: RevocationStore;
  readonly #unfinished: UnfinishedDelivery;
  readonly #shard: number;
  readonly #latency = new LatencyHistogram();
  readonly #startedAt = new Date().toISOString();

  constructor(ctx: DurableObjectState, env: Env, options: RealtimeHubOptions = {}) {
    super(ctx, env);
    const { storage } = ctx;
    this.#manager = new RealtimeManager(options);
    this.#hibernation = hibernationOf(this.#manager);
    this.#shard = shardOf(ctx.id.name);
    this.#log = new SqliteLog({
      storage,
      shard: this.#shard,
      history: options.history,
    });
    this.#subscriptions = new SubscriptionStore(storage.sql);
    this.#revocations = new RevocationStore(storage.sql);
    this.#unfinished = new UnfinishedDelivery(storage.sql);
    ctx.setWebSocketAutoResponse(
      new WebSocketRequestResponsePair(LIVENESS_PING.request, LIVENESS_PING.response),
    );
    this.#manager.follow(this.#log);
    for (const { subject, at } of this.#revocations.all()) this.#manager.revoke({ subject }, at);
    if (this.#unfinished.isNoted) this.#sendBackClients();
    else this.#restoreClients();
  }

  /** A Worker brings a client: it gets a socket on which frames arrive as they are to be written. */
  override async fetch(request: Request): Promise<Response> {
    const who = request.headers.get(CONNECT_HEADER);
    if (who === null || request.headers.get("Upgrade") !== "websocket") {
      return new Response("A hub speaks WebSocket to its own Worker.", { status: 426 });
    }
    const connect = fromHeader<ConnectRequest>(who);
    const admitted = await toRpcResult(() => this.#manager.admit(connect, connect.topics));
    if (!admitted.ok) return Response.json(admitted, { status: REFUSED_STATUS });
    const { ip, identity, expiresAt } = connect;
    const origin = assignClientId(connect, this.#manager, this.#log, this.#shard);
    const { clientId } = origin;
    const connectedAt = Date.now();
    const { 0: theirs, 1: ours } = new WebSocketPair();
    // First what can fail: a socket without an attachment would be nobody's.
    ours.serializeAttachment({
      ...{ clientId, ip, identity, expiresAt, connectedAt },
    } satisfies Attachment);
    // A tag has room for 256 characters, and a client id takes less.
    this.ctx.acceptWebSocket(ours, [clientId]);
    this.#manager.registerClient(clientId, new SocketSink(ours), connect, connectedAt);
    applyInitialSubscriptions(this.#manager, connect, origin);
    this.#keepRows(clientId);
    this.#keepAttachment(clientId);
    await this.#scheduleAlarm();
    const known: HubStreamIdentity = { ...origin, clients: this.#manager.clientCount };
    const headers = { [CONNECT_HEADER]: toHeader(known) };
    return new Response(null, { status: 101, webSocket: theirs, headers });
  }

  /** The Worker says that a client has taken a page of its replay. Probes are answered without this. */
  override webSocketMessage(socket: WebSocket): void {
    const { clientId } = socket.deserializeAttachment() as Attachment;
    this.#expire();
    this.#hibernation.resumeReplay(clientId);
    this.#keepAttachment(clientId);
  }

  override webSocketClose(socket: WebSocket, _code: number, reason: string): void {
    this.#forget(socket, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#forget(socket, "error");
  }

  override async alarm(): Promise<void> {
    this.#log.trim();
    this.#expire();
    await this.#scheduleAlarm();
  }

  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<RpcResult<null>> {
    return toRpcResult(async () => {
      assertIdentityFits(request.identity);
      this.#manager.setSubscriptions(clientId, request);
      this.#keepRows(clientId);
      this.#keepAttachment(clientId);
      await this.#scheduleAlarm();
      return null;
    });
  }

  publish(
    messages: readonly Message[],
    publisher: Principal = {},
  ): Promise<RpcResult<readonly PublishReceipt[]>> {
    return toRpcResult(async () => {
      const start = performance.now();
      for (let room = this.#manager.room(); room !== undefined; room = this.#manager.room())
        await room;
      this.#manager.checkCredential(publisher);
      this.#expire();
      const since = this.#manager.deliveryNumber;
      const receipts = this.#log.append(messages);
      // Together with the messages: nothing may come between.
      if (this.#manager.settled() !== undefined) this.#unfinished.note();
      await this.#scheduleAlarm();
      await this.#manager.settled(since);
      if (this.#manager.settled() === undefined) this.#unfinished.clear();
      this.#latency.observe(performance.now() - start);
      return receipts;
    });
  }

  history(request: HistoryRequest, reader: Principal = {}): Promise<RpcResult<HistoryPage>> {
    return toRpcResult(() => {
      this.#manager.checkCredential(reader);
      return readHistory(this.#log, request, reader.rights);
    });
  }

  send(clientId: string, event: string, data: unknown): Promise<RpcResult<boolean>> {
    return toRpcResult(() => this.#manager.sendEvent(clientId, event, data));
  }

  clients(page: PageRequest): Promise<RpcResult<ClientPage>> {
    return toRpcResult(() =>
      toClientPage(page, (limit, after) => {
        const { items, hasMore } = this.#manager.listClients(limit, after);
        return { items: items.map((client) => this.#withProbe(client)), hasMore };
      }),
    );
  }

  client(clientId: string): Promise<RpcResult<ClientInfo | undefined>> {
    return toRpcResult(() => {
      const client = this.#manager.getClient(clientId);
      return client && this.#withProbe(client);
    });
  }

  topics(page: PageRequest): Promise<RpcResult<TopicPage>> {
    return toRpcResult(() =>
      toTopicPage(page, (limit, after) => this.#manager.listTopics(limit, after)),
    );
  }

  disconnect(clientId: string): Promise<RpcResult<boolean>> {
    return toRpcResult(() => this.#manager.removeClient(clientId, "admin"));
  }

  revoke(revocation: Revocation): Promise<RpcResult<number>> {
    return toRpcResult(() => {
      const at = Date.now();
      // First what is remembered, since what is not would let them in again.
      if ("subject" in revocation) this.#revocations.set(revocation.subject, at);
      const { disconnected, forgotten } = this.#manager.revoke(revocation, at);
      for (const subject of forgotten) this.#revocations.remove(subject);
      return disconnected;
    });
  }

  /** Forgets everything and everybody: there are fewer shards now, and this is none of them. Its clients come back elsewhere. */
  async retire(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    // What is in memory as well, once this is answered.
    setTimeout(() => this.ctx.abort("This shard is no more."));
  }

  stats(): Promise<RpcResult<RegistryStats>> {
    return toRpcResult(() => {
      return toRegistryStats(
        this.#manager.stats(),
        this.#log.stats(),
        this.#latency,
        this.#startedAt,
      );
    });
  }

  /** On waking after an unfinished delivery: the hub can't tell which clients received the message. */
  #sendBackClients(): void {
    for (const clientId of this.#subscriptions.all().keys()) this.#subscriptions.remove(clientId);
    for (const socket of this.ctx.getWebSockets()) closeSocket(socket, "lifetime");
    this.#unfinished.clear();
  }

  /** On waking: the sockets that are open are the clients, and their rows are what they subscribe to. */
  #restoreClients(): void {
    const stored = this.#subscriptions.all();
    for (const socket of this.ctx.getWebSockets()) {
      // One that was closed before the hub slept is still there until its Worker has answered.
      if (socket.readyState !== WebSocket.OPEN) continue;
      const { progress, ...client } = socket.deserializeAttachment() as Attachment;
      const { keys = [], rights } = stored.get(client.clientId) ?? {};
      const sink = new SocketSink(socket);
      this.#hibernation.restoreClient({ ...client, rights }, keys, sink, progress);
      stored.delete(client.clientId);
    }
    // Left by clients whose end nobody was there to see.
    for (const clientId of stored.keys()) this.#subscriptions.remove(clientId);
  }

  #forget(socket: WebSocket, reason: string): void {
    const { clientId } = socket.deserializeAttachment() as Attachment;
    this.#manager.removeClient(clientId, toCloseReason(reason, "client"));
    this.#subscriptions.remove(clientId);
    // Before compatibility date 2026-04-07 the other side waits for an answer to its close.
    closeSocket(socket, reason);
  }

  /** Probes are answered without waking the hub, so only the runtime knows when the last one came. */
  #withProbe(client: ClientInfo): ClientInfo {
    const [socket] = this.ctx.getWebSockets(client.clientId);
    const probed = socket && this.ctx.getWebSocketAutoResponseTimestamp(socket);
    const lastActivityAt = Math.max(client.lastActivityAt, probed?.getTime() ?? 0);
    return { ...client, lastActivityAt };
  }

  /** What a client subscribes to and has rights to. */
  #keepRows(clientId: string): void {
    const { subscriptions: keys = [], rights = [] } = this.#manager.getClient(clientId) ?? {};
    this.#subscriptions.set(clientId, { keys, rights });
  }

  /** Who a client is, and how far its replay has come. */
  #keepAttachment(clientId: string): void {
    const kept = this.#hibernation.snapshotOf(clientId);
    if (kept === undefined) return;
    const { rights: _, ...client } = kept;
    const progress = this.#hibernation.replayProgressOf(clientId);
    for (const socket of this.ctx.getWebSockets(clientId)) {
      socket.serializeAttachment({ ...client, progress } satisfies Attachment);
    }
  }

  /** Ends the rights, and later the streams, of those whose credentials have expired. */
  #expire(): void {
    for (const clientId of this.#manager.expire()) {
      // Where guests may subscribe to nothing, it has lost its keys as well.
      if (this.#manager.getClient(clientId)?.subscriptions.length)
        this.#subscriptions.removeRights(clientId);
      else this.#subscriptions.remove(clientId);
      this.#keepAttachment(clientId);
    }
  }

  /** One alarm while something kept will expire, none otherwise: history, remembered ids, credentials. */
  async #scheduleAlarm(): Promise<void> {
    const { expiresIn } = this.#manager;
    const set = await this.ctx.storage.getAlarm();
    const sooner = expiresIn === undefined ? undefined : Date.now() + expiresIn;
    if (set !== null && (sooner === undefined || set <= sooner)) return;
    const later = this.#log.expiresAt();
    if (sooner === undefined && later === undefined) return;
    const due = Math.min(sooner ?? Number.POSITIVE_INFINITY, later ?? Number.POSITIVE_INFINITY);
    const at = Math.min(due, Date.now() + LATEST);
    await this.ctx.storage.setAlarm(at);
  }
}

/** A turn of the hub's is what one call does: it needs no timer, which would keep it awake. */
const turn = new FlushScheduler((run) => queueMicrotask(run));

/** A client's frames on their way to the Worker that holds its stream, which counts what waits there. */
class SocketSink implements FrameSink, Flushable {
  readonly bufferedBytes = 0;
  readonly #socket: WebSocket;
  /** Given in this turn: it goes as one message, since each costs both sides. */
  #given: FrameBatch | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  write(frame: Uint8Array): boolean {
    if (this.#given === undefined) turn.add(this);
    this.#given = (this.#given ?? turn.emptyBatch).append(frame);
    return true;
  }

  /** The hub may sleep until the Worker answers: `webSocketMessage` goes on then. */
  onDrain(): void {
    this.flush();
    this.#send(PAGE_ACK);
  }

  close(reason: string): void {
    this.flush();
    closeSocket(this.#socket, reason);
  }

  flush(): void {
    const given = this.#given;
    if (given === undefined) return;
    this.#given = undefined;
    this.#send(given.bytes(joinFrames));
  }

  #send(message: Uint8Array | string): void {
    try {
      this.#socket.send(message);
    } catch {
      // It is closed already, and webSocketClose is about to say so: not slow, gone.
    }
  }
}

function closeSocket(socket: WebSocket, reason: string): void {
  try {
    socket.close(1000, reason);
  } catch {
    // It is closed already.
  }
}

/** A hub's name ends in its shard. */
function shardOf(name: string | undefined): number {
  return Number(/\d+$/.exec(name ?? "")?.[0] ?? 0);
}
