import type { CloseReason } from "./types.ts";

/**
 * Whether a client whose stream is closed for this reason still gets what waits for the client. With `client`, `slow` and `stale`,
 * the client has disconnected or does not read.
 */
export function canStillReceive(reason: CloseReason): boolean {
  return reason !== "client" && reason !== "slow" && reason !== "stale";
}
