import { HubSocketSink } from "./hub-sink.ts";
import { attachmentOf, type HubState } from "./hub-state.ts";
import { closeSocket } from "./protocol.ts";

/**
 * Restores a hub that wakes: its revocations, the clients with a socket that is still open, and the members of topics. Tells
 * that the other clients have gone.
 *
 * After an interrupted delivery the hub does not know which clients have received the message. These clients are not restored.
 * Instead they are asked to reconnect, and each client resumes from its last event id.
 *
 * @param sockets The sockets that the runtime has kept while the hub was not in memory.
 */
export function restoreHub(state: HubState, sockets: readonly WebSocket[]): void {
  const { manager, revocations, unfinishedDelivery } = state;
  for (const { subject, at } of revocations.all()) manager.revoke({ subject }, at);
  if (!unfinishedDelivery.isNoted) restoreClients(state, sockets);
  else {
    state.subscriptions.removeAll();
    for (const socket of sockets) closeSocket(socket, "lifetime");
    unfinishedDelivery.clear();
  }
  state.presence?.restore();
  if (state.events === undefined) return;
  const connected = new Set(sockets.map((socket) => attachmentOf(socket).clientId));
  state.events.restore((clientId) => connected.has(clientId));
}

function restoreClients(
  { hibernation, subscriptions }: HubState,
  sockets: readonly WebSocket[],
): void {
  const stored = subscriptions.all();
  for (const socket of sockets) {
    // The runtime also keeps a socket that only the hub has closed, until the Worker has closed its end.
    if (socket.readyState !== WebSocket.OPEN) continue;
    const { progress, ...client } = attachmentOf(socket);
    const { keys = [], rights, auth } = stored.get(client.clientId) ?? {};
    const sink = new HubSocketSink(socket);
    const awaitsMembers = progress?.awaitsMembers && keys;
    hibernation.restoreClient(
      { ...client, rights, auth },
      keys,
      sink,
      progress && { ...progress, awaitsMembers },
    );
    stored.delete(client.clientId);
  }
  // The other stored clients disconnected while the hub was down, so `webSocketClose` was not called for them.
  for (const clientId of stored.keys()) subscriptions.remove(clientId);
}
