/** The calls that the processes of a cluster make to each other. Arguments and results are JSON values. */
import type { StoredRevocation } from "../../log/log.ts";
import type { ClientInfo, Logger, SubscribeRequest } from "../../realtime/types.ts";
import type { InProcessRegistry } from "../in-process/registry.ts";
import type {
  ClientPage,
  InfoRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { toRpcResult } from "../rpc.ts";
import type { BusHandler } from "./bus.ts";
import { type ForwardedArrival, ForwardedOrder } from "./forwarded-order.ts";

const FAILED = "Another process of the service has failed. Its log has the error. Try again soon.";

/** A subscribe request as it travels between processes. */
export interface ForwardedSubscribe {
  readonly request: Omit<SubscribeRequest, "arrivedAt">;
  readonly arrival: ForwardedArrival;
}

/** The calls by name. JSON has no undefined, so null stands for a missing value. */
export interface ProcessCalls {
  setSubscriptions(clientId: string, forwarded: ForwardedSubscribe): Promise<null>;
  send(clientId: string, event: string, data: unknown): Promise<boolean>;
  clients(page: PageRequest): Promise<ClientPage>;
  client(clientId: string): Promise<ClientInfo | null>;
  topics(page: PageRequest): Promise<TopicPage>;
  extendInfo(request: InfoRequest): Promise<null>;
  disconnect(clientId: string): Promise<boolean>;
  revokeClient(clientId: string): Promise<number>;
  applyRevocation(revocation: StoredRevocation): Promise<number>;
  stats(): Promise<RegistryStats>;
}

/**
 * Creates the calls of one process.
 *
 * @param nextArrival `createArrivalClock`, which the process also uses for the requests that arrive here.
 */
export function createProcessCalls(
  local: InProcessRegistry,
  nextArrival: () => number,
): ProcessCalls {
  const order = new ForwardedOrder(nextArrival);
  return {
    setSubscriptions: async (clientId, { request, arrival }) => {
      const arrivedAt = order.arrivedAt(clientId, arrival);
      await local.setSubscriptions(clientId, { ...request, arrivedAt });
      order.remember(clientId, arrival, arrivedAt);
      return null;
    },
    send: (clientId, event, data) => local.send(clientId, event, data),
    clients: (page) => local.clients(page),
    client: async (clientId) => (await local.client(clientId)) ?? null,
    topics: async (page) => local.listTopics(page),
    extendInfo: async (request) => {
      await local.extendInfo(request);
      return null;
    },
    disconnect: (clientId) => local.disconnect(clientId),
    revokeClient: (clientId) => local.revoke({ clientId }),
    applyRevocation: async (revocation) => local.applyRevocation(revocation),
    stats: () => local.stats(),
  };
}

/** Creates the handler that answers the calls of other processes. An unexpected error is logged here, and not sent. */
export function createBusHandler(calls: ProcessCalls, logger: Logger | undefined): BusHandler {
  return ({ method, args }) =>
    toRpcResult(async () => {
      if (!Object.hasOwn(calls, method)) throw new Error(`There is no call ${method}.`);
      // The casts: the name is one of the calls, and the caller is a process of the same version.
      const call = calls[method as keyof ProcessCalls] as (...args: unknown[]) => Promise<unknown>;
      // Awaited at once: Bun reports a rejection that is handled one microtask later as unhandled.
      const value = await call(...args);
      return value;
    }).catch((error) => {
      logger?.error("a call of another process has failed", { method, error: String(error) });
      return { ok: false, code: "unreachable", message: FAILED, fields: {} };
    });
}
