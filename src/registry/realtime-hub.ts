import { DurableObject } from "cloudflare:workers";
import { type HistoryPage, type HistoryRequest, readHistory } from "../log/history.ts";
import type { HistoryLimits } from "../log/log.ts";
import { SqliteLog } from "../log/sqlite.ts";
import { type Progress, RealtimeManager } from "../realtime/manager.ts";
import type {
  ClientInfo,
  FrameSink,
  Logger,
  Message,
  Peer,
  SubscribeRequest,
} from "../realtime/types.ts";
import {
  answer,
  CONNECT_HEADER,
  fromHeader,
  type HubAnswer,
  type HubRPC,
  PROBE,
  refuseLongIdentity,
  TAKEN,
  toCloseReason,
  toHeader,
} from "./hub-protocol.ts";
import { originOf, subscribeFirst } from "./origin.ts";
import {
  type ClientPage,
  type ConnectRequest,
  type PageRequest,
  type PublishReceipt,
  pageOf,
  type RegistryStats,
} from "./registry.ts";
import { SubscriptionStore } from "./subscription-store.ts";

/** What a hub may be given. */
export interface HubOptions {
  readonly history?: Partial<HistoryLimits> | undefined;
  readonly logger?: Logger | undefined;
}

/** What stays with a socket while the hub sleeps: who is at its other end. */
interface Attachment extends Peer {
  readonly clientId: string;
  readonly connectedAt: number;
  /** Left out for a client that is live. */
  readonly progress?: Progress | undefined;
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
  readonly #log: SqliteLog;
  readonly #subscriptions: SubscriptionStore;
  readonly #shard: number;
  readonly #startedAt = new Date().toISOString();

  constructor(ctx: DurableObjectState, env: Env, options: HubOptions = {}) {
    super(ctx, env);
    const { storage } = ctx;
    this.#manager = new RealtimeManager({ logger: options.logger });
    this.#shard = shardOf(ctx.id.name);
    this.#log = new SqliteLog({
      storage,
      shard: this.#shard,
      history: options.history,
    });
    this.#subscriptions = new SubscriptionStore(storage.sql);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PROBE.request, PROBE.response));
    this.#manager.follow(this.#log);
    this.#restoreClients();
  }

  /** A Worker brings a client: it gets a socket on which frames arrive as they are to be written. */
  override async fetch(request: Request): Promise<Response> {
    const who = request.headers.get(CONNECT_HEADER);
    if (who === null || request.headers.get("Upgrade") !== "websocket") {
      return new Response("A hub speaks WebSocket to its own Worker.", { status: 426 });
    }
    const connect = fromHeader<ConnectRequest>(who);
    const { ip, identity } = connect;
    const origin = originOf(connect, this.#manager, this.#log, this.#shard);
    const { clientId } = origin;
    const connectedAt = Date.now();
    const { 0: theirs, 1: ours } = new WebSocketPair();
    // First what can fail: a socket without an attachment would be nobody's.
    ours.serializeAttachment({ clientId, ip, identity, connectedAt } satisfies Attachment);
    // A tag has room for 256 characters, and a client id takes less.
    this.ctx.acceptWebSocket(ours, [clientId]);
    this.#manager.registerClient(clientId, new SocketSink(ours), { ip, identity }, connectedAt);
    subscribeFirst(this.#manager, connect, origin);
    if (connect.topics !== undefined) this.#keepSubscriptions(clientId);
    this.#keepProgress(clientId);
    const headers = { [CONNECT_HEADER]: toHeader(origin) };
    return new Response(null, { status: 101, webSocket: theirs, headers });
  }

  /** The Worker says that a client has taken a page of its replay. Probes are answered without this. */
  override webSocketMessage(socket: WebSocket): void {
    const { clientId } = socket.deserializeAttachment() as Attachment;
    this.#manager.proceed(clientId);
    this.#keepProgress(clientId);
  }

  override webSocketClose(socket: WebSocket, _code: number, reason: string): void {
    this.#forget(socket, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#forget(socket, "error");
  }

  override async alarm(): Promise<void> {
    this.#log.trim();
    await this.#scheduleExpiry();
  }

  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<HubAnswer<null>> {
    return answer(() => {
      refuseLongIdentity(request.identity);
      const before = this.#manager.getClient(clientId);
      this.#manager.setSubscriptions(clientId, request);
      if (request.identity !== before?.identity) {
        this.#changeAttachment(clientId, { identity: request.identity });
      }
      this.#keepSubscriptions(clientId);
      this.#keepProgress(clientId);
      return null;
    });
  }

  publish(messages: readonly Message[]): Promise<HubAnswer<readonly PublishReceipt[]>> {
    return answer(async () => {
      const receipts = this.#log.append(messages);
      await this.#scheduleExpiry();
      return receipts;
    });
  }

  history(request: HistoryRequest): Promise<HubAnswer<HistoryPage>> {
    return answer(() => readHistory(this.#log, request));
  }

  send(clientId: string, event: string, data: unknown): Promise<HubAnswer<boolean>> {
    return answer(() => this.#manager.sendEvent(clientId, event, data));
  }

  clients(page: PageRequest): Promise<HubAnswer<ClientPage>> {
    return answer(() =>
      pageOf(page, (limit, after) =>
        this.#manager.listClients(limit, after).map((client) => this.#withProbe(client)),
      ),
    );
  }

  disconnect(clientId: string): Promise<HubAnswer<boolean>> {
    return answer(() => this.#manager.removeClient(clientId, "admin"));
  }

  stats(): Promise<HubAnswer<RegistryStats>> {
    return answer(() => {
      const { accepted, duplicate } = this.#log.stats();
      return { ...this.#manager.stats(), startedAt: this.#startedAt, accepted, duplicate };
    });
  }

  /** On waking: the sockets that are open are the clients, and their rows are what they subscribe to. */
  #restoreClients(): void {
    const stored = this.#subscriptions.all();
    for (const socket of this.ctx.getWebSockets()) {
      // One that was closed before the hub slept is still there until its Worker has answered.
      if (socket.readyState !== WebSocket.OPEN) continue;
      const { progress, ...client } = socket.deserializeAttachment() as Attachment;
      const subscriptions = stored.get(client.clientId) ?? [];
      const sink = new SocketSink(socket);
      this.#manager.restoreClient({ ...client, subscriptions }, sink, progress);
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

  #keepSubscriptions(clientId: string): void {
    this.#subscriptions.set(clientId, this.#manager.getClient(clientId)?.subscriptions ?? []);
  }

  /** How far a client's replay has come, for when the hub wakes again. */
  #keepProgress(clientId: string): void {
    this.#changeAttachment(clientId, { progress: this.#manager.progressOf(clientId) });
  }

  #changeAttachment(clientId: string, change: Partial<Attachment>): void {
    for (const socket of this.ctx.getWebSockets(clientId)) {
      const attachment = socket.deserializeAttachment() as Attachment;
      socket.serializeAttachment({ ...attachment, ...change });
    }
  }

  /** One alarm while something kept will expire, none otherwise. */
  async #scheduleExpiry(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) !== null) return;
    const at = this.#log.expiresAt();
    if (at !== undefined) await this.ctx.storage.setAlarm(at);
  }
}

/** A client's frames on their way to the Worker that holds its stream, which counts what waits there. */
class SocketSink implements FrameSink {
  readonly bufferedBytes = 0;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  write(frame: Uint8Array): boolean {
    try {
      this.#socket.send(frame);
    } catch {
      // It is closed already, and webSocketClose is about to say so: not slow, gone.
    }
    return true;
  }

  /** The hub may sleep until the Worker answers: `webSocketMessage` goes on then. */
  drained(): void {
    try {
      this.#socket.send(TAKEN);
    } catch {
      // As above.
    }
  }

  close(reason: string): void {
    closeSocket(this.#socket, reason);
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
