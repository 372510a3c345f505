import { RealtimeError } from "../realtime/errors.ts";
import type { Logger } from "../realtime/types.ts";
import type { ClientRegistry } from "../registry/registry.ts";

/** Milliseconds between two warnings. */
const WARN_EVERY = 60_000;

const FOREIGN =
  "This client id belongs to another process or to an earlier start of this one. Open a new stream. If several processes " +
  "run behind a load balancer, configure it to send all requests of a client to the same process (sticky sessions).";

/** Makes the error for a client that is not here. `message` says so where nothing more is known. */
export type UnknownClient = (clientId: string, message: string) => RealtimeError;

/** Tells clients of other processes from unknown ones, and warns the operator at most once a minute. */
export function createUnknownClient(
  registry: ClientRegistry,
  logger: Logger,
  now: () => number,
): UnknownClient {
  let warnedAt = Number.NEGATIVE_INFINITY;
  let requests = 0;
  return (clientId, message) => {
    if (registry.isForeign?.(clientId) !== true)
      return new RealtimeError("unknown_client", message);
    requests += 1;
    if (now() - warnedAt >= WARN_EVERY) {
      logger.warn("requests arrive for clients of another process or of an earlier start", {
        ...{ requests, clientId },
        hint: "several processes behind a load balancer do not share clients; make it sticky",
      });
      warnedAt = now();
      requests = 0;
    }
    return new RealtimeError("unknown_client", FOREIGN);
  };
}
