import { actsForStream, checkSubscriber, isSuperseded } from "../access/check-subscriber.ts";
import { costOfKeys } from "../access/key-cost.ts";
import { reachesAny, rightsGained } from "../access/rights.ts";
import { RealtimeError } from "../errors.ts";
import type { ManagerCore } from "../manager-core.ts";
import type { SubscribeRequest } from "../types.ts";
import { type Client, identifyClient } from "./client.ts";

/** Returns the request with the identity of the stream, if the request has no credential and the stream keeps its identity. */
function keepIdentity(client: Client | undefined, request: SubscribeRequest): SubscribeRequest {
  if (client === undefined || !actsForStream(client, request)) return request;
  const { identity, info, rights, viewer } = client;
  return { ...request, identity, info, rights, auth: viewer.auth, keepsIdentity: true };
}

/** `RealtimeManager.setSubscriptions`. */
export function setSubscriptions(
  core: ManagerCore,
  clientId: string,
  given: SubscribeRequest,
): void {
  const { clients, admission, contents, deliveries, replays } = core;
  const client = clients.get(clientId);
  const request = keepIdentity(client, given);
  const cost = costOfKeys(request.subscriptions, request.rights);
  contents.check(request.subscriptions, request.isAdmin === true);
  const onMismatch = core.checkAddress ? admission.logAddressMismatch : undefined;
  checkSubscriber(client, request, onMismatch);
  if (isSuperseded(client, request)) return;
  admission.checkCredential(request);
  deliveries.settle(client);
  // `settle` removes a client that is too slow.
  if (!clients.has(client)) {
    throw new RealtimeError("unknown_client", "Missing or invalid client id.");
  }
  admission.checkKeys(client.ip, client.keyCost, cost);

  const gained = rightsGained(client.rights, request.rights);
  identifyClient(client, request);
  client.subscribedAt = request.arrivedAt ?? client.subscribedAt;
  client.lastActivityAt = core.now();
  clients.trackExpiry(client);
  const earlierKeys = clients.index.keysOf(client);
  clients.setKeys(client, request.subscriptions, cost);
  const keys = clients.index.keysOf(client);
  core.logger?.debug("subscriptions set", { clientId, subscriptions: keys.length });

  const earlier = new Set(earlierKeys);
  core.presence?.tracker.update(client, keys);
  core.presence?.awaitMembers(
    client,
    keys.filter((key) => !earlier.has(key) || reachesAny(key, gained)),
  );

  const { lastEventId = client.start?.lastEventId, last = client.start?.last } = request;
  // Comes before the messages of a replay. The id of the event is then the position before them, and a client that resumes from it
  // with a new credential receives the private messages among them.
  const announceEnd = () => {
    if (request.credentialEnded) core.sendEvent(clientId, "PB_AUTH_EXPIRED", {});
  };
  const hasStart = lastEventId !== undefined || last !== undefined;
  if (keys.length === 0) {
    client.start = hasStart ? { lastEventId, last } : undefined;
    replays.cancel(client);
    announceEnd();
  } else {
    client.start = undefined;
    const start = {
      lastEventId,
      last,
      isInitial: request.isInitial,
      rightsExpanded: keys.some((key) => earlier.has(key) && reachesAny(key, gained)),
    };
    replays.start(client, earlier, keys, start, announceEnd);
  }
}
