import type { HistoryPage, HistoryRequest } from "../../log/history.ts";
import type { PublishReceipt } from "../../log/log.ts";
import type { KeyStats } from "../../realtime/access/capacity.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { addLatency } from "../../realtime/latency.ts";
import {
  CLOSE_REASONS,
  type ClientInfo,
  type CloseReason,
  type Message,
  type Principal,
  type Revocation,
  type SubscribeRequest,
  type TopicInfo,
} from "../../realtime/types.ts";
import { pageSize, toTopicPage } from "../paging.ts";
import type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { type HubSocket, SocketConnection } from "./connection.ts";
import {
  assertIdentityFits,
  CONNECT_HEADER,
  fromHeader,
  fromRpcResult,
  type HubRPC,
  type HubStreamIdentity,
  REFUSED_STATUS,
  type RpcResult,
  toHeader,
} from "./protocol.ts";

/** One hub, as the Worker reaches it. */
export interface HubStub extends HubRPC {
  fetch(url: string, init: { readonly headers: Record<string, string> }): Promise<UpgradeResponse>;
}

interface Opened {
  readonly origin: HubStreamIdentity;
  readonly socket: HubSocket;
}

interface UpgradeResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly webSocket: HubSocket | null;
  json(): Promise<unknown>;
}

/** What the Worker's side is made of. */
export interface DurableObjectRegistryOptions {
  /** A fresh stub of a shard's hub; a stub that failed once is of no more use. */
  readonly hub: (shard: number) => HubStub;
  /** Number of hubs, from 1. Each is a whole replica: a publish goes to all of them. */
  readonly shards: number;
  /** Waits between the tries of a call, in milliseconds. Default 50, 250. */
  readonly retryDelays?: readonly number[] | undefined;
}

const RETRY_DELAYS: readonly number[] = [50, 250];

/** Clients in Durable Objects: this side runs in the Worker, `RealtimeHub` is the other. */
export function createDurableObjectRegistry(options: DurableObjectRegistryOptions): ClientRegistry {
  return new DurableObjectRegistry(options);
}

class DurableObjectRegistry implements ClientRegistry {
  readonly #options: DurableObjectRegistryOptions;
  readonly #connections = new Set<SocketConnection>();
  #isClosed = false;

  constructor(options: DurableObjectRegistryOptions) {
    this.#options = options;
  }

  /** On the shard where the history is that the client comes back to, or else on any. */
  async open(request: ConnectRequest): Promise<ClientConnection> {
    this.#refuseWhenClosed();
    assertIdentityFits(request.identity);
    const shard = this.#shardOf(request.lastEventId) ?? this.#anyShard();
    const headers = { Upgrade: "websocket", [CONNECT_HEADER]: toHeader(request) };
    const { origin, socket } = await this.#call<Opened>(shard, async (hub) => {
      const answer = await hub.fetch("https://hub/", { headers });
      const { status, webSocket } = answer;
      if (status === REFUSED_STATUS) return (await answer.json()) as RpcResult<never>;
      const origin = answer.headers.get(CONNECT_HEADER);
      if (webSocket === null || origin === null) {
        throw new Error(`the hub answered ${status} to an upgrade`);
      }
      return {
        ok: true,
        value: { origin: fromHeader<HubStreamIdentity>(origin), socket: webSocket },
      };
    });
    const connection = new SocketConnection(origin, socket, () => {
      this.#connections.delete(connection);
    });
    this.#connections.add(connection);
    return connection;
  }

  async setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void> {
    const shard = this.#shardOf(clientId);
    if (shard === undefined) {
      throw new RealtimeError("unknown_client", "Missing or invalid client id.");
    }
    await this.#call(shard, (hub) => hub.setSubscriptions(clientId, request));
  }

  async publish(
    messages: readonly Message[],
    publisher?: Principal,
  ): Promise<readonly PublishReceipt[]> {
    this.#refuseWhenClosed();
    // The first shard decides, about the publisher's credential and about ids that were used before: another shard must
    // not take what the first one refuses. The others are not asked again, since the credential may end meanwhile.
    const receipts = await this.#call(0, (hub) => hub.publish(messages, publisher));
    await this.#everywhere((hub) => hub.publish(messages), 1);
    return receipts;
  }

  /** Of the shard that the place is on; each has all messages. */
  async history(request: HistoryRequest, reader?: Principal): Promise<HistoryPage> {
    const shard = this.#shardOf(request.after ?? request.before) ?? this.#anyShard();
    return this.#call(shard, (hub) => hub.history(request, reader));
  }

  async send(clientId: string, event: string, data: unknown): Promise<boolean> {
    const shard = this.#shardOf(clientId);
    return shard !== undefined && this.#callOnce(shard, (hub) => hub.send(clientId, event, data));
  }

  /** Shard after shard, each in the order of its ids. */
  async clients({ limit, after }: PageRequest = {}): Promise<ClientPage> {
    const size = pageSize(limit);
    const clients: ClientInfo[] = [];
    const first = after === undefined ? 0 : (this.#shardOf(after) ?? 0);
    for (let shard = first; shard < this.#options.shards; shard++) {
      // A full page still wants to know whether anybody comes behind it.
      const request = {
        limit: Math.max(size - clients.length, 1),
        after: shard === first ? after : undefined,
      };
      const page = await this.#call(shard, (hub) => hub.clients(request));
      const isMore = clients.length === size && page.clients.length > 0;
      if (clients.length < size) clients.push(...page.clients);
      if (isMore || page.next !== undefined) return { clients, next: clients.at(-1)?.clientId };
    }
    return { clients, next: undefined };
  }

  async client(clientId: string): Promise<ClientInfo | undefined> {
    const shard = this.#shardOf(clientId);
    return shard === undefined ? undefined : this.#call(shard, (hub) => hub.client(clientId));
  }

  /** Each shard's page, added up by topic: what comes first over all is among what comes first on each. */
  async topics(page: PageRequest = {}): Promise<TopicPage> {
    const request = { ...page, limit: pageSize(page.limit) };
    const pages = await this.#everywhere((hub) => hub.topics(request));
    const isMore = pages.some(({ next }) => next !== undefined);
    const merged = sumTopics(pages.flatMap(({ topics }) => topics));
    return toTopicPage(request, (limit) => {
      const items = merged.slice(0, limit);
      return { items, hasMore: isMore || items.length < merged.length };
    });
  }

  async disconnect(clientId: string): Promise<boolean> {
    const shard = this.#shardOf(clientId);
    return shard !== undefined && this.#callOnce(shard, (hub) => hub.disconnect(clientId));
  }

  /** What it does twice is as if it were done once: it may be tried again. */
  async revoke(revocation: Revocation): Promise<number> {
    if ("subject" in revocation) {
      const counts = await this.#everywhere((hub) => hub.revoke(revocation));
      return counts.reduce((sum, count) => sum + count, 0);
    }
    const shard = this.#shardOf(revocation.clientId);
    return shard === undefined ? 0 : this.#call(shard, (hub) => hub.revoke(revocation));
  }

  async stats(): Promise<RegistryStats> {
    return (await this.#everywhere((hub) => hub.stats())).reduce(addStats);
  }

  /** Ends the connections of this Worker; the hubs outlive it, with everybody else's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const open = [...this.#connections];
    await Promise.all(open.map((connection) => connection.finish("shutdown")));
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed)
      throw new RealtimeError("closed", "The server is stopping. Try again soon.");
  }

  /** The shard that a client id or cursor names; undefined when there is none, after their number was changed, too. */
  #shardOf(id: string | undefined): number | undefined {
    const shard = Number(/^(\d{1,9})-/.exec(id ?? "")?.[1] ?? Number.NaN);
    return shard < this.#options.shards ? shard : undefined;
  }

  #anyShard(): number {
    return Math.floor(Math.random() * this.#options.shards);
  }

  async #everywhere<T>(
    call: (hub: HubStub) => Promise<RpcResult<T>>,
    firstShard = 0,
  ): Promise<T[]> {
    const shards = Array.from({ length: this.#options.shards }, (_, shard) => shard);
    return Promise.all(shards.slice(firstShard).map((shard) => this.#call(shard, call)));
  }

  async #call<T>(shard: number, call: (hub: HubStub) => Promise<RpcResult<T>>): Promise<T> {
    return fromRpcResult(await this.#retried(shard, call));
  }

  /** For what must not happen twice because its first answer was lost. */
  async #callOnce<T>(shard: number, call: (hub: HubStub) => Promise<RpcResult<T>>): Promise<T> {
    return fromRpcResult(await this.#retried(shard, call, []));
  }

  /** What is called here may arrive twice: a publish brings its messages' ids, the others replace or ask. */
  async #retried<T>(
    shard: number,
    call: (hub: HubStub) => Promise<T>,
    retryDelays: readonly number[] = this.#options.retryDelays ?? RETRY_DELAYS,
  ): Promise<T> {
    const delays = [...retryDelays];
    for (;;) {
      try {
        return await call(this.#options.hub(shard));
      } catch (cause) {
        const delay = delays.shift();
        if (delay === undefined) {
          throw new RealtimeError(
            "unreachable",
            `Shard ${shard} could not be reached. Try again soon; a message with an id is delivered once however often it is sent.`,
            { cause },
          );
        }
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }
}

function sumTopics(all: readonly TopicInfo[]): TopicInfo[] {
  const counts = new Map<string, number>();
  for (const { topic, subscriptions } of all) {
    counts.set(topic, (counts.get(topic) ?? 0) + subscriptions);
  }
  return [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([topic, subscriptions]) => ({ topic, subscriptions }));
}

function addKeys(sum: KeyStats, one: KeyStats): KeyStats {
  return {
    used: sum.used + one.used,
    limit: sum.limit + one.limit,
    characters: sum.characters + one.characters,
    charactersLimit: sum.charactersLimit + one.charactersLimit,
    refused: sum.refused + one.refused,
  };
}

function addStats(sum: RegistryStats, one: RegistryStats): RegistryStats {
  const disconnects = Object.fromEntries(
    CLOSE_REASONS.map((reason) => [reason, sum.disconnects[reason] + one.disconnects[reason]]),
  ) as Record<CloseReason, number>;
  return {
    clients: sum.clients + one.clients,
    subscriptions: sum.subscriptions + one.subscriptions,
    topics: sum.topics + one.topics,
    keyBudget: addKeys(sum.keyBudget, one.keyBudget),
    queuedBytes: sum.queuedBytes + one.queuedBytes,
    connects: sum.connects + one.connects,
    delivered: sum.delivered + one.delivered,
    replayed: sum.replayed + one.replayed,
    recovered: sum.recovered + one.recovered,
    unrecovered: sum.unrecovered + one.unrecovered,
    disconnects,
    startedAt: sum.startedAt < one.startedAt ? sum.startedAt : one.startedAt,
    // Every shard takes every message: the sum would count one message as many.
    accepted: Math.max(sum.accepted, one.accepted),
    duplicate: Math.max(sum.duplicate, one.duplicate),
    history: {
      messages: Math.max(sum.history.messages, one.history.messages),
      bytes: Math.max(sum.history.bytes, one.history.bytes),
    },
    publishLatency: addLatency(sum.publishLatency, one.publishLatency),
  };
}
