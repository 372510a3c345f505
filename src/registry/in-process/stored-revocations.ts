import type { RevocationStore } from "../../log/log.ts";
import type { RealtimeManager, RevokeResult } from "../../realtime/manager.ts";
import type { Revocation } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";

/** Restores the revocations that a log has stored, when its registry starts. */
export function restoreRevocations(manager: RealtimeManager, store: RevocationStore | undefined) {
  for (const { subject, at } of store?.all() ?? []) {
    for (const forgotten of manager.revoke({ subject }, at).forgotten) store?.remove(forgotten);
  }
}

/**
 * Revokes, and stores the revocation of a subject for the next start.
 *
 * @param at Milliseconds since 1970.
 * @throws RealtimeError `storage_failed` when the revocation can't be stored. It holds until the process ends.
 */
export function revokeAndStore(
  manager: RealtimeManager,
  store: RevocationStore | undefined,
  revocation: Revocation,
  at: Milliseconds,
): RevokeResult {
  if (store === undefined || !("subject" in revocation)) return manager.revoke(revocation, at);
  try {
    // Stored before clients are disconnected: they reconnect at once, and must be refused even if the process ends here.
    store.set(revocation.subject, at);
  } catch (error) {
    manager.revoke(revocation, at);
    throw error;
  }
  const result = manager.revoke(revocation, at);
  for (const forgotten of result.forgotten) store.remove(forgotten);
  return result;
}
