import { CALLBACK_DEFAULTS, type CallbackOptions } from "../../api/callbacks/options.ts";
import { logDroppedEvent, postEvents } from "../../api/callbacks/post-events.ts";
import type { Logger } from "../../realtime/types.ts";
import type { HubTells } from "../../registry/durable-object/event-queue.ts";

/** How hubs tell the backend of events. Undefined without `tell`. */
export function createHubTells({
  callbacks,
  logger,
}: {
  readonly callbacks: CallbackOptions | undefined;
  readonly logger: Logger;
}): HubTells | undefined {
  if (callbacks?.tell === undefined) return undefined;
  const { timeout = CALLBACK_DEFAULTS.timeout } = callbacks;
  return {
    types: callbacks.tell,
    maxQueue: callbacks.maxQueue ?? CALLBACK_DEFAULTS.maxQueue,
    send: (request, waiting) =>
      postEvents(callbacks, request, { signal: AbortSignal.timeout(timeout), logger, waiting }),
    onDropped: () => logDroppedEvent(logger),
  };
}
