import type { PublishReceipt } from "../../log/log.ts";
import type { Message, Principal, Revocation } from "../../realtime/types.ts";
import type { HubState } from "./hub-state.ts";

/** `HubRPC.publish`. */
export async function publishToHub(
  state: HubState,
  messages: readonly Message[],
  publisher: Principal,
): Promise<readonly PublishReceipt[]> {
  const { manager } = state;
  const start = performance.now();
  for (let room = manager.room(); room !== undefined; room = manager.room()) await room;
  manager.checkCredential(publisher);
  state.expireCredentials();
  const before = manager.deliveryNumber;
  const receipts = state.append(messages);
  await state.scheduleAlarm();
  await manager.settled(before);
  state.latency.observe(performance.now() - start);
  return receipts;
}

/** `HubRPC.revoke`. */
export function revokeInHub({ manager, revocations }: HubState, revocation: Revocation): number {
  const at = Date.now();
  // Stored before clients are disconnected. They reconnect at once, and must be refused even if the hub fails here.
  if ("subject" in revocation) revocations.set(revocation.subject, at);
  const { disconnected, forgotten } = manager.revoke(revocation, at);
  for (const subject of forgotten) revocations.remove(subject);
  return disconnected;
}
