import type { HistoryPage, HistoryRequest } from "../../log/history.ts";
import type { PublishReceipt } from "../../log/log.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { MembersEvent } from "../../realtime/presence/presence.ts";
import type {
  ClientInfo,
  Message,
  Principal,
  Revocation,
  SubscribeRequest,
} from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { serverClosed } from "../connect.ts";
import { mergeStats } from "../merge.ts";
import type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  InfoRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import type { RpcResult } from "../rpc.ts";
import { listClientsOf, listTopicsOf } from "../shard-lists.ts";
import { HubConnection } from "./connection.ts";
import {
  assertIdentityFits,
  CONNECT_HEADER,
  fromHeader,
  type HubSocket,
  type HubStreamIdentity,
  type HubStub,
  REFUSED_STATUS,
  toHeader,
} from "./protocol.ts";
import { HubShards } from "./shards.ts";

/** Options of `createDurableObjectRegistry`. */
export interface DurableObjectRegistryOptions {
  /** Returns a new stub of a shard's hub. Called for each attempt, because a stub that has failed once fails again. */
  readonly hub: (shard: number) => HubStub;
  /** Number of hubs, from 1. Each client is on one hub. Each hub has all messages, so every publish goes to all hubs. */
  readonly shards: number;
  /** The delay before each retry of a failed call. The number of delays is the number of retries. Default [50, 250]. */
  readonly retryDelays?: readonly Milliseconds[] | undefined;
  /** Keeps the Worker running until a promise settles, also after the stream of the request has ended. Default: does nothing. */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
}

/**
 * Creates a registry with clients, log and delivery in Durable Objects (`RealtimeHub`, in `hub.ts`). The registry runs in the
 * Worker and calls the hubs.
 */
export function createDurableObjectRegistry(options: DurableObjectRegistryOptions): ClientRegistry {
  return new DurableObjectRegistry(options);
}

class DurableObjectRegistry implements ClientRegistry {
  readonly #shards: HubShards;
  readonly #waitUntil: ((promise: Promise<unknown>) => void) | undefined;
  readonly #connections = new Set<HubConnection>();
  #isClosed = false;

  constructor({ hub, shards, retryDelays, waitUntil }: DurableObjectRegistryOptions) {
    this.#shards = new HubShards(hub, shards, retryDelays);
    this.#waitUntil = waitUntil;
  }

  /** Opens the stream on the shard in `lastEventId`, or else on a random shard. */
  async open(request: ConnectRequest): Promise<ClientConnection> {
    this.#assertOpen();
    assertIdentityFits(request.identity);
    const shard = this.#shards.shardOf(request.lastEventId) ?? this.#shards.pick();
    const { identity, socket } = await this.#shards.call(shard, (hub) => openSocket(hub, request));
    const connection = new HubConnection(identity, socket, (reason) => {
      this.#connections.delete(connection);
      // If the hub has failed, it starts again at the next call, and only then removes the members that do not come back.
      const waking = reason === "error" ? this.#shards.wake(shard) : undefined;
      if (waking !== undefined) this.#waitUntil?.(waking);
    });
    this.#connections.add(connection);
    return connection;
  }

  async setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void> {
    await this.#shards.call(this.#assertShardOf(clientId), (hub) =>
      hub.setSubscriptions(clientId, request),
    );
  }

  /**
   * Publishes to the first shard, and then to the others. The first shard checks the publisher's credential and the message
   * ids, so that a refused message reaches no shard. The other shards do not check the credential again, because it may
   * expire in between.
   */
  async publish(
    messages: readonly Message[],
    publisher?: Principal,
  ): Promise<readonly PublishReceipt[]> {
    this.#assertOpen();
    const receipts = await this.#shards.call(0, (hub) => hub.publish(messages, publisher));
    await this.#shards.callAll((hub) => hub.publish(messages), 1);
    return receipts;
  }

  /** Reads the log of the shard in the cursor, or else of a random shard: each shard has all messages. */
  async history(request: HistoryRequest, reader?: Principal): Promise<HistoryPage> {
    const cursor = request.after ?? request.before;
    const shard = this.#shards.shardOf(cursor) ?? this.#shards.pick();
    return this.#shards.call(shard, (hub) => hub.history(request, reader));
  }

  async send(clientId: string, event: string, data: unknown): Promise<boolean> {
    const shard = this.#shards.shardOf(clientId);
    if (shard === undefined) return false;
    return this.#shards.callOnce(shard, (hub) => hub.send(clientId, event, data));
  }

  async clients(page: PageRequest = {}): Promise<ClientPage> {
    const first = this.#shards.shardOf(page.after) ?? 0;
    const lists = this.#shards
      .numbersFrom(first)
      .map((shard) => (one: PageRequest) => this.#shards.call(shard, (hub) => hub.clients(one)));
    return listClientsOf(page, lists);
  }

  async client(clientId: string): Promise<ClientInfo | undefined> {
    const shard = this.#shards.shardOf(clientId);
    if (shard === undefined) return undefined;
    return this.#shards.call(shard, (hub) => hub.client(clientId));
  }

  async topics(page: PageRequest = {}): Promise<TopicPage> {
    return listTopicsOf(page, (one) => this.#shards.callAll((hub) => hub.topics(one)));
  }

  /** Asks a random shard: each shard knows the members of all shards. */
  async members(topic: string, reader?: Principal): Promise<MembersEvent> {
    return this.#shards.call(this.#shards.pick(), (hub) => hub.members(topic, reader));
  }

  async extendInfo(request: InfoRequest): Promise<void> {
    await this.#shards.call(this.#assertShardOf(request.clientId), (hub) =>
      hub.extendInfo(request),
    );
  }

  async disconnect(clientId: string): Promise<boolean> {
    const shard = this.#shards.shardOf(clientId);
    if (shard === undefined) return false;
    return this.#shards.callOnce(shard, (hub) => hub.disconnect(clientId));
  }

  async revoke(revocation: Revocation): Promise<number> {
    if ("subject" in revocation) {
      const counts = await this.#shards.callAll((hub) => hub.revoke(revocation));
      return counts.reduce((sum, count) => sum + count, 0);
    }
    const shard = this.#shards.shardOf(revocation.clientId);
    if (shard === undefined) return 0;
    return this.#shards.call(shard, (hub) => hub.revoke(revocation));
  }

  /**
   * Every shard has every message, so the counts are not added up. A call is repeated if its response is lost, and then returns
   * 0, because the messages are already erased.
   */
  async erase(topic: string): Promise<number> {
    const counts = await this.#shards.callAll((hub) => hub.erase(topic));
    return Math.max(...counts);
  }

  async stats(): Promise<RegistryStats> {
    const stats = await this.#shards.callAll((hub) => hub.stats());
    return stats.reduce(mergeStats);
  }

  /** Closes only the connections of this Worker. The hubs continue to serve the clients of other Workers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connections = [...this.#connections];
    await Promise.all(connections.map((connection) => connection.finish("shutdown")));
  }

  /** @throws RealtimeError `unknown_client` if no shard can have the client. */
  #assertShardOf(clientId: string): number {
    const shard = this.#shards.shardOf(clientId);
    if (shard !== undefined) return shard;
    throw new RealtimeError("unknown_client", "Missing or invalid client id.");
  }

  #assertOpen(): void {
    if (this.#isClosed) throw serverClosed();
  }
}

/** Requests an upgrade from a hub. The hub registers the client before it responds. */
async function openSocket(
  hub: HubStub,
  request: ConnectRequest,
): Promise<RpcResult<{ readonly identity: HubStreamIdentity; readonly socket: HubSocket }>> {
  const response = await hub.fetch("https://hub/", {
    headers: { Upgrade: "websocket", [CONNECT_HEADER]: toHeader(request) },
  });
  const { status, webSocket: socket } = response;
  // The cast: with this status, the body is always an `RpcResult` with an error.
  if (status === REFUSED_STATUS) return (await response.json()) as RpcResult<never>;
  const header = response.headers.get(CONNECT_HEADER);
  if (socket === null || header === null) {
    throw new Error(`The hub did not accept the upgrade: its response has status ${status}.`);
  }
  return { ok: true, value: { identity: fromHeader<HubStreamIdentity>(header), socket } };
}
