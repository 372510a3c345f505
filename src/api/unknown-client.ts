import { RealtimeError } from "../realtime/errors.ts";
import type { Logger } from "../realtime/types.ts";
import type { ClientRegistry } from "../registry/registry.ts";

const FOREIGN =
  "This client id belongs to another process or to an earlier start of this one. Open a new stream. If several processes " +
  "run behind a load balancer, configure it to send all requests of a client to the same process (sticky sessions).";

/** Makes the error for a client that is not connected here. `message` is used for a client id that is just unknown. */
export type UnknownClient = (clientId: string, message: string) => RealtimeError;

/** Tells clients of other processes from unknown ones, and warns the operator of them. */
export function createUnknownClient(registry: ClientRegistry, logger: Logger): UnknownClient {
  return (clientId, message) => {
    if (registry.isFromAnotherProcess?.(clientId) !== true)
      return new RealtimeError("unknown_client", message);
    logger.warn("requests arrive for clients of another process or of an earlier start", {
      clientId,
      hint: "several processes behind a load balancer do not share clients; make it sticky",
    });
    return new RealtimeError("unknown_client", FOREIGN);
  };
}
