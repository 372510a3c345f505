import { sizeOf } from "../../log/log.ts";
import { networkOf } from "../../realtime/access/ip-address.ts";
import type { Message, Principal } from "../../realtime/types.ts";
import type { RefusedRequests } from "../counters.ts";
import type { RequestLimits } from "../limits.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Counts what one identity publishes. @throws RealtimeError `too_many_requests`. */
export type PublishLimit = (publisher: Principal, messages: readonly Message[]) => void;

/**
 * Limits the messages and bytes that each identity publishes: together with the length of the history, the two rates say how
 * much of the history one identity can fill.
 */
export function createPublishLimit(
  limits: RequestLimits,
  now: () => number,
  refusals: RefusedRequests,
): PublishLimit {
  const limitMessages = createRateLimit(limits.publishesPerSecond, "messages", now, {
    minBurst: limits.maxBatch,
    onRefused: refusals.counterOf("publishes"),
  });
  const limitBytes = createRateLimit(limits.publishBytesPerSecond, "bytes of messages", now, {
    minBurst: limits.maxBodyBytes,
    onRefused: refusals.counterOf("publish_bytes"),
  });
  return ({ identity, ip }, messages) => {
    const key = identity ?? `guest ${networkOf(ip ?? "")}`;
    // An empty batch counts as one request.
    limitMessages(key, Math.max(messages.length, 1));
    let bytes = 0;
    for (const message of messages) bytes += sizeOf(message);
    limitBytes(key, bytes);
  };
}
