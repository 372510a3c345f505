import type { PublishReceipt } from "../log/log.ts";
import { withTraceparent } from "../realtime/traceparent.ts";
import type { RequestSpan } from "../realtime/tracing-port.ts";
import type { Message, Principal } from "../realtime/types.ts";
import type { ServerContext } from "./context.ts";

/**
 * Appends messages to the log, within a span if tracing is on. Throws what `ClientRegistry.publish` throws.
 *
 * @param publisher Undefined for the embedding app and for holders of the admin key.
 * @param traceparent The trace context of the request. It becomes the context of messages that have none.
 * @param span The span of the request.
 */
export function appendMessages(
  { registry, tracing }: Pick<ServerContext, "registry" | "tracing">,
  messages: readonly Message[],
  publisher?: Principal | undefined,
  traceparent?: string | undefined,
  span?: RequestSpan | undefined,
): Promise<readonly PublishReceipt[]> {
  if (tracing === undefined) {
    return registry.publish(withTraceparent(messages, traceparent), publisher);
  }
  return tracing.append(messages, span, (own = traceparent) =>
    registry.publish(withTraceparent(messages, own), publisher),
  );
}
