import type { ManagerCore } from "../manager-core.ts";
import type { Revocation } from "../types.ts";

/** The result of a revocation. */
export interface RevokeResult {
  /** Number of streams that were closed. */
  readonly disconnected: number;
  /** Earlier revoked subjects that are now forgotten: only 10,000 revocations are remembered, each for 30 days. */
  readonly forgotten: readonly string[];
}

/** `RealtimeManager.revoke`. */
export function revoke(core: ManagerCore, revocation: Revocation, at: number): RevokeResult {
  if ("clientId" in revocation) {
    const wasConnected = core.removeClient(revocation.clientId, "revoked");
    return { disconnected: wasConnected ? 1 : 0, forgotten: [] };
  }
  const { subject } = revocation;
  const forgotten = core.admission.revoke(subject, at);
  let disconnected = 0;
  for (const { clientId, identity } of core.clients.values()) {
    if (identity === subject && core.removeClient(clientId, "revoked")) disconnected += 1;
  }
  return { disconnected, forgotten };
}
