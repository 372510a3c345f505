/** The Worker of the tests inside workerd: hubs that tests can evict, and an object for a log. */
import { DurableObject } from "cloudflare:workers";
import { createTracing } from "../../src/api/tracing/open-telemetry.ts";
import type { HistoryRequest } from "../../src/log/history.ts";
import type { TopicReport } from "../../src/realtime/presence/presence.ts";
import type { Message, Principal, Revocation, SubscribeRequest } from "../../src/realtime/types.ts";
import type { HubTells } from "../../src/registry/durable-object/event-queue.ts";
import { RealtimeHub } from "../../src/registry/durable-object/hub.ts";
import type { RealtimeHubOptions } from "../../src/registry/durable-object/hub-options.ts";
import type { HubRPC, HubStub } from "../../src/registry/durable-object/protocol.ts";
import type { InfoRequest, PageRequest } from "../../src/registry/registry.ts";
import { type EventRequest, TELLS } from "../../src/registry/tells.ts";
import { RealtimeHub as ConfiguredHub, type Env } from "../../src/runtimes/workers/hub-binding.ts";

/** Equals the constant of the registry suite, which can't be imported here because the suite runs outside the hubs. */
const AUTH_GRACE = 1500;

/** The variable REALTIME_RULES of hubs with "rules" in their name. */
export const RULES = {
  posts: { listRule: "@request.auth.role = 'editor' || status = 'open'", hidden: ["secret"] },
} as const;

/** The topic rules of hubs with presence. */
const TOPICS = [
  { match: "chat/*", presence: true },
  // As in `PRESENCE` of the registry suite.
  { match: "present/*", presence: true },
] as const;

/** The grace of hubs with presence, in milliseconds. */
export const PRESENCE_GRACE = 300;

/** Events that wait in a hub that tells. */
export const MAX_QUEUE = 5;

export interface TestEnv {
  readonly REALTIME_HUB: DurableObjectNamespace<EvictableHub>;
  readonly LOG_HOST: DurableObjectNamespace<LogHost>;
}

/**
 * A hub with an `evict` that discards the same state as an eviction: everything except its storage and its sockets. workerd
 * itself evicts after ten idle seconds, which is too slow for hundreds of interleavings. The black-box hibernation test waits for
 * that.
 */
export class EvictableHub extends DurableObject<TestEnv> implements HubRPC {
  #hub: RealtimeHub;
  /** Whether reports of other hubs fail. */
  isUnreachable = false;
  /** The requests of a hub with `tells` in its name to its backend. */
  readonly requests: EventRequest[] = [];
  /** Whether the backend takes events. */
  isBackendAway = false;
  /** Number of events that were dropped. */
  dropped = 0;

  constructor(ctx: DurableObjectState, env: TestEnv) {
    super(ctx, env);
    this.#hub = this.#wake();
  }

  evict(): void {
    this.#hub = this.#wake();
  }

  /**
   * A hub with `history-<n>` in its name keeps n messages. A hub with `traced` in it traces its deliveries. A hub with `rules` in it has `RULES` in its environment, and one with
   * `own-rules` gets rules from its subclass.
   */
  #wake(): RealtimeHub {
    if (this.ctx.id.name?.includes("rules")) {
      // The cast: the hub's class uses the binding to retire shards, and these hubs have no numbers as names.
      const env = { REALTIME_RULES: JSON.stringify(RULES) } as unknown as Env;
      const own = { rules: { posts: { listRule: null } }, topics: [{ match: "kept", keep: 1 }] };
      return new ConfiguredHub(this.ctx, env, this.ctx.id.name.includes("own-rules") ? own : {});
    }
    const messages = /history-(\d+)/.exec(this.ctx.id.name ?? "")?.[1];
    const history = messages === undefined ? {} : { messages: Number(messages) };
    const tracing = this.ctx.id.name?.includes("traced") ? createTracing() : undefined;
    const options = { history, authGrace: AUTH_GRACE, tracing };
    return new RealtimeHub(this.ctx, this.env, { ...options, ...this.#presenceOptions() });
  }

  /** A hub with `presence-<n>` in its name has presence, and is one of n shards. The names of the others differ in the last number. */
  #presenceOptions(): RealtimeHubOptions {
    const name = this.ctx.id.name ?? "";
    const shards = /presence-(\d+)/.exec(name)?.[1];
    if (shards === undefined) return {};
    const { REALTIME_HUB } = this.env;
    const hub = (shard: number) => {
      const id = REALTIME_HUB.idFromName(name.replace(/\d+$/, String(shard)));
      return REALTIME_HUB.get(id) as unknown as HubStub;
    };
    return {
      topics: TOPICS,
      presenceGrace: PRESENCE_GRACE,
      shards: Number(shards),
      hub,
      tells: name.includes("tells") ? this.#tells() : undefined,
    };
  }

  #tells(): HubTells {
    return {
      types: TELLS,
      maxQueue: MAX_QUEUE,
      send: async (request) => {
        this.requests.push(request);
        return !this.isBackendAway;
      },
      onDropped: () => {
        this.dropped += 1;
      },
    };
  }

  override fetch(request: Request): Promise<Response> {
    return this.#hub.fetch(request);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    return this.#hub.webSocketClose(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#hub.webSocketError(socket);
  }

  override alarm(): Promise<void> {
    return this.#hub.alarm();
  }

  setSubscriptions(clientId: string, request: SubscribeRequest) {
    return this.#hub.setSubscriptions(clientId, request);
  }

  publish(messages: readonly Message[], publisher?: Principal) {
    return this.#hub.publish(messages, publisher);
  }

  override webSocketMessage(socket: WebSocket): Promise<void> {
    return this.#hub.webSocketMessage(socket);
  }

  history(request: HistoryRequest, reader?: Principal) {
    return this.#hub.history(request, reader);
  }

  send(clientId: string, event: string, data: unknown) {
    return this.#hub.send(clientId, event, data);
  }

  clients(page: PageRequest) {
    return this.#hub.clients(page);
  }

  client(clientId: string) {
    return this.#hub.client(clientId);
  }

  topics(page: PageRequest) {
    return this.#hub.topics(page);
  }

  members(topic: string, reader?: Principal) {
    return this.#hub.members(topic, reader);
  }

  extendInfo(request: InfoRequest) {
    return this.#hub.extendInfo(request);
  }

  reportPresence(source: number, number: number, reports: readonly TopicReport[]) {
    if (this.isUnreachable) throw new Error("Network connection lost.");
    return this.#hub.reportPresence(source, number, reports);
  }

  wake() {
    return this.#hub.wake();
  }

  retire() {
    return this.#hub.retire();
  }

  revoke(revocation: Revocation) {
    return this.#hub.revoke(revocation);
  }

  disconnect(clientId: string) {
    return this.#hub.disconnect(clientId);
  }

  erase(topic: string) {
    return this.#hub.erase(topic);
  }

  stats() {
    return this.#hub.stats();
  }
}

/** An empty object with the SQLite database for a log under test. */
export class LogHost extends DurableObject<TestEnv> {}

export default {
  fetch: () => new Response("The tests call the objects directly.", { status: 404 }),
};
