/** The Worker of the tests inside workerd: hubs that tests can evict, and an object for a log. */
import { DurableObject } from "cloudflare:workers";
import type { HistoryRequest } from "../../src/log/history.ts";
import type { Message, Principal, Revocation, SubscribeRequest } from "../../src/realtime/types.ts";
import { RealtimeHub } from "../../src/registry/durable-object/hub.ts";
import type { HubRPC } from "../../src/registry/durable-object/protocol.ts";
import type { PageRequest } from "../../src/registry/registry.ts";
import { RealtimeHub as ConfiguredHub, type Env } from "../../src/runtimes/workers/hub-binding.ts";

/** Equals the constant of the registry suite, which can't be imported here because the suite runs outside the hubs. */
const AUTH_GRACE = 1500;

/** The variable REALTIME_RULES of hubs with "rules" in their name. */
export const RULES = {
  posts: { listRule: "@request.auth.role = 'editor' || status = 'open'", hidden: ["secret"] },
} as const;

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

  constructor(ctx: DurableObjectState, env: TestEnv) {
    super(ctx, env);
    this.#hub = this.#wake();
  }

  evict(): void {
    this.#hub = this.#wake();
  }

  /** A hub with `history-<n>` in its name keeps n messages. A hub with `rules` in it has `RULES` in its environment. */
  #wake(): RealtimeHub {
    if (this.ctx.id.name?.includes("rules")) {
      // The cast: the hub's class uses the binding to retire shards, and these hubs have no numbers as names.
      const env = { REALTIME_RULES: JSON.stringify(RULES) } as unknown as Env;
      const rules = this.ctx.id.name.includes("own-rules")
        ? { posts: { listRule: null } }
        : undefined;
      return new ConfiguredHub(this.ctx, env, { rules });
    }
    const messages = /history-(\d+)/.exec(this.ctx.id.name ?? "")?.[1];
    const history = messages === undefined ? {} : { messages: Number(messages) };
    return new RealtimeHub(this.ctx, this.env, { history, authGrace: AUTH_GRACE });
  }

  override fetch(request: Request): Promise<Response> {
    return this.#hub.fetch(request);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#hub.webSocketClose(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#hub.webSocketError(socket);
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

  override webSocketMessage(socket: WebSocket): void {
    this.#hub.webSocketMessage(socket);
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
