import type { Client } from "../clients/client.ts";
import type { ManagerCore } from "../manager-core.ts";
import { viewerOf } from "../records/viewer.ts";
import { NO_KEYS } from "./capacity.ts";

/** `RealtimeManager.expire`. */
export function expireClients(core: ManagerCore): readonly string[] {
  const now = core.now();
  const expired = core.clients.popExpired(now);
  for (const client of expired) expireClient(core, client, now);
  return expired.map(({ clientId }) => clientId);
}

function expireClient(core: ManagerCore, client: Client, now: number): void {
  const { clients, deliveries, replays, authGrace } = core;
  const { clientId } = client;
  if (client.closesAt !== undefined) {
    core.removeClient(clientId, "expired");
    return;
  }
  // The client still receives the messages of unfinished deliveries: they were published while its credential was valid.
  deliveries.settle(client);
  // `settle` removes a client that is too slow.
  if (!clients.has(client)) return;
  client.rights = [];
  client.viewer = viewerOf({});
  client.closesAt = now + authGrace;
  clients.trackExpiry(client);
  if (core.guestsMaySubscribe) {
    clients.applyRights(client);
    client.replay?.changeReader(client);
  } else {
    clients.setKeys(client, [], NO_KEYS);
    core.presence?.tracker.update(client, []);
    client.start = undefined;
    replays.cancel(client);
  }
  core.logger?.debug("credential expired", { clientId });
  core.sendEvent(clientId, "PB_AUTH_EXPIRED", { closesIn: authGrace });
}
