import { RealtimeError } from "../realtime/errors.ts";
import type { ServerContext } from "./context.ts";

const FOREIGN =
  "This client id belongs to another process or to an earlier start of this one. Open a new stream. If several processes " +
  "run behind a load balancer, configure it to send all requests of a client to the same process (sticky sessions).";

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
  if (registry.isFromAnotherProcess?.(clientId) !== true)
    return new RealtimeError("unknown_client", message);
  logger.warn("requests arrive for clients of another process or of an earlier start", {
    clientId,
    hint: "several processes behind a load balancer do not share clients; configure sticky sessions",
  });
  return new RealtimeError("unknown_client", FOREIGN);
}
