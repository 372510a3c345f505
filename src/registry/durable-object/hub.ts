import { DurableObject } from "cloudflare:workers";
import { type HistoryPage, type HistoryRequest, readHistory } from "../../log/history.ts";
import type { PublishReceipt } from "../../log/log.ts";
import { contentsOf, type RealtimeManager } from "../../realtime/manager.ts";
import type { MembersEvent, TopicReport } from "../../realtime/presence/presence.ts";
import type {
  ClientInfo,
  Message,
  Principal,
  Revocation,
  SubscribeRequest,
} from "../../realtime/types.ts";
import { assignClientId } from "../connect.ts";
import { toClientPage, toTopicPage } from "../paging.ts";
import type {
  ClientPage,
  ConnectRequest,
  InfoRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { type RpcResult, toRpcResult } from "../rpc.ts";
import { toRegistryStats } from "../stats.ts";
import { publishToHub, revokeInHub } from "./hub-operations.ts";
import { type RealtimeHubOptions, shardOfHub } from "./hub-options.ts";
import { restoreHub } from "./hub-restore.ts";
import { attachmentOf, HubState } from "./hub-state.ts";
import {
  assertIdentityFits,
  CONNECT_HEADER,
  closeSocket,
  fromHeader,
  type HubRPC,
  type HubStreamIdentity,
  LIVENESS_PING,
  REFUSED_STATUS,
  toCloseReason,
  toHeader,
} from "./protocol.ts";

/**
 * One shard in a Durable Object, with its clients, subscriptions and log.
 *
 * While the hub is idle, it hibernates: the runtime removes the object from memory and keeps its storage and its sockets.
 * For each client, the hub has a hibernating WebSocket
 * (https://developers.cloudflare.com/durable-objects/best-practices/websockets/) to the Worker with the client's stream. An
 * idle hub must have no timer, pending request or pending promise, because each of them would prevent hibernation.
 *
 * The hub wakes in its constructor: `#wake` restores the clients (`hub-restore.ts`) from their sockets' attachments and from
 * SQLite (`hub-state.ts`). After each change of a client, the hub stores the client for the next wake.
 */
export class RealtimeHub<Env = unknown> extends DurableObject<Env> implements HubRPC {
  readonly #state: HubState;
  readonly #manager: RealtimeManager;
  readonly #shard: number;
  readonly #startedAt = new Date().toISOString();

  constructor(ctx: DurableObjectState, env: Env, options: RealtimeHubOptions = {}) {
    super(ctx, env);
    this.#shard = shardOfHub(ctx.id.name);
    this.#state = new HubState(ctx, this.#shard, options);
    this.#manager = this.#state.manager;
    this.#wake();
  }

  /** Runs when the runtime creates the object: for its first event, and for the first event after hibernation or eviction. */
  #wake(): void {
    this.ctx.setWebSocketAutoResponse(
      new WebSocketRequestResponsePair(LIVENESS_PING.request, LIVENESS_PING.response),
    );
    this.#manager.follow(this.#state.log);
    restoreHub(this.#state, this.ctx.getWebSockets());
    // Members without a socket leave after the grace, and reports to other hubs and events may be unsent.
    if ((this.#state.presence ?? this.#state.events) !== undefined) {
      void this.ctx.blockConcurrencyWhile(() => this.#state.settle());
    }
  }

  /** Registers a client, and upgrades the request to a WebSocket for the client's frames. Only the Worker calls this. */
  override async fetch(request: Request): Promise<Response> {
    const header = request.headers.get(CONNECT_HEADER);
    if (header === null || request.headers.get("Upgrade") !== "websocket") {
      return new Response("A hub accepts only WebSocket upgrades from its Worker.", {
        status: 426,
      });
    }
    const connect = fromHeader<ConnectRequest>(header);
    const admitted = await toRpcResult(() => this.#manager.admit(connect, connect.topics));
    if (!admitted.ok) return Response.json(admitted, { status: REFUSED_STATUS });
    const identity = assignClientId(connect, this.#manager, this.#state.log, {
      shard: this.#shard,
    });
    const { 0: workerEnd, 1: hubEnd } = new WebSocketPair();
    this.#state.addClient(connect, identity, hubEnd);
    await this.#state.settle();
    const registered: HubStreamIdentity = { ...identity, clients: this.#manager.clientCount };
    return new Response(null, {
      status: 101,
      webSocket: workerEnd,
      headers: { [CONNECT_HEADER]: toHeader(registered) },
    });
  }

  /** The Worker has acknowledged a page of a replay (`PAGE_ACK`). The runtime answers liveness pings itself. */
  override async webSocketMessage(socket: WebSocket): Promise<void> {
    const { clientId } = attachmentOf(socket);
    this.#state.expireCredentials();
    this.#state.hibernation.resumeReplay(clientId);
    this.#state.storeAttachment(clientId);
    await this.#state.settle();
  }

  override webSocketClose(socket: WebSocket, _code: number, reason: string): Promise<void> {
    return this.#removeClient(socket, reason);
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#removeClient(socket, "error");
  }

  override async alarm(): Promise<void> {
    this.#state.log.trim();
    this.#state.presence?.sendDue();
    this.#state.expireCredentials();
    await this.#state.events?.send();
    await this.#state.settle();
  }

  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<RpcResult<null>> {
    return toRpcResult(async () => {
      assertIdentityFits(request.identity);
      this.#manager.setSubscriptions(clientId, request);
      this.#state.storeSubscriptions(clientId);
      this.#state.storeAttachment(clientId);
      return this.#settle(null);
    });
  }

  publish(
    messages: readonly Message[],
    publisher: Principal = {},
  ): Promise<RpcResult<readonly PublishReceipt[]>> {
    return toRpcResult(() => publishToHub(this.#state, messages, publisher));
  }

  history(request: HistoryRequest, reader: Principal = {}): Promise<RpcResult<HistoryPage>> {
    return toRpcResult(() => {
      this.#manager.checkCredential(reader);
      return readHistory(this.#state.log, request, contentsOf(this.#state.manager), reader);
    });
  }

  send(clientId: string, event: string, data: unknown): Promise<RpcResult<boolean>> {
    return toRpcResult(() => this.#manager.sendEvent(clientId, event, data));
  }

  clients(page: PageRequest): Promise<RpcResult<ClientPage>> {
    return toRpcResult(() =>
      toClientPage(page, (limit, after) => {
        const { items, hasMore } = this.#manager.listClients(limit, after);
        return { items: items.map((client) => this.#state.withLastPing(client)), hasMore };
      }),
    );
  }

  client(clientId: string): Promise<RpcResult<ClientInfo | undefined>> {
    return toRpcResult(() => {
      const client = this.#manager.getClient(clientId);
      return client && this.#state.withLastPing(client);
    });
  }

  topics(page: PageRequest): Promise<RpcResult<TopicPage>> {
    return toRpcResult(() =>
      this.#state.members.withCounts(
        toTopicPage(page, (limit, after) => this.#manager.listTopics(limit, after)),
      ),
    );
  }

  members(topic: string, reader: Principal = {}): Promise<RpcResult<MembersEvent>> {
    return toRpcResult(() => {
      this.#manager.checkCredential(reader);
      return this.#state.members.membersOf(topic);
    });
  }

  extendInfo(request: InfoRequest): Promise<RpcResult<null>> {
    return toRpcResult(() => {
      this.#state.members.extendInfo(request);
      return this.#settle(null);
    });
  }

  reportPresence(
    source: number,
    number: number,
    reports: readonly TopicReport[],
  ): Promise<RpcResult<null>> {
    return toRpcResult(() => {
      this.#state.presence?.receive(source, number, reports);
      return this.#settle(null);
    });
  }

  wake(): Promise<RpcResult<null>> {
    return toRpcResult(() => null);
  }

  disconnect(clientId: string): Promise<RpcResult<boolean>> {
    return toRpcResult(() => this.#settle(this.#manager.removeClient(clientId, "admin")));
  }

  revoke(revocation: Revocation): Promise<RpcResult<number>> {
    return toRpcResult(() => this.#settle(revokeInHub(this.#state, revocation)));
  }

  erase(topic: string): Promise<RpcResult<number>> {
    return toRpcResult(() => this.#state.log.erase(topic));
  }

  /**
   * Deletes all data of a shard that is no longer used because the number of shards was reduced. Its clients reconnect to the
   * other shards.
   */
  async retire(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    // Drops the object from memory as well. The timer lets this call return first.
    setTimeout(() => this.ctx.abort("The shard is no longer used."));
  }

  stats(): Promise<RpcResult<RegistryStats>> {
    const { manager, log, latency } = this.#state;
    return toRpcResult(() =>
      toRegistryStats(manager.stats(), log.stats(), latency, this.#startedAt),
    );
  }

  async #settle<T>(result: T): Promise<T> {
    await this.#state.settle();
    return result;
  }

  async #removeClient(socket: WebSocket, reason: string): Promise<void> {
    const { clientId } = attachmentOf(socket);
    this.#state.removeClient(clientId, toCloseReason(reason, "client"));
    // With a compatibility date before 2026-04-07, the runtime does not answer the close of the other side.
    closeSocket(socket, reason);
    await this.#state.settle();
  }
}
