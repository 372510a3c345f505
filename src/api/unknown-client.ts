import { RealtimeError } from "../realtime/errors.ts";
import type { ServerContext } from "./context.ts";

/**
 * The error for a client that is not connected here. For a client of another process, or of this process before a restart, the
 * error has a message of its own. The log then gets a warning, since many such requests mean that a load balancer has no sticky
 * sessions.
 *
 * @param message The message of the error for every other unknown client id.
 */
export function unknownClientError(
  { registry, logger }: ServerContext,
  clientId: string,
  message: string,
): RealtimeError {
  const hint = registry.explainUnknownClient?.(clientId);
  if (hint !== undefined) {
    logger.warn("requests arrive for clients of another process or of an earlier start", {
      clientId,
      hint,
    });
  }
  return new RealtimeError("unknown_client", hint ?? message);
}
