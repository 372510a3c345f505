import type { CloseReason } from "./types.ts";

/**
 * Whether the service writes the waiting bytes and a final frame to the client before the service closes the stream for this
 * reason. With `client`, `slow` and `stale`, the client has disconnected or does not read.
 */
export function canStillReceive(reason: CloseReason): boolean {
  return reason !== "client" && reason !== "slow" && reason !== "stale";
}
