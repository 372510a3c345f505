import { messageSize } from "../../log/log.ts";
import { networkOf } from "../../realtime/access/ip-address.ts";
import type { Message, Principal } from "../../realtime/types.ts";
import type { RefusedRequests } from "../counters.ts";
import type { RequestLimits } from "../limits.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Counts messages against the rates of their publisher. @throws RealtimeError `too_many_requests`. */
export type PublishLimit = (publisher: Principal, messages: readonly Message[]) => void;

/**
 * Limits the messages and bytes that each identity publishes per second. Together with the length of the history, the two
 * rates bound how much of the history one identity can fill. Guests count by their network.
 *
 * @param now Milliseconds of a monotonic clock.
 */
export function createPublishLimit(
  limits: RequestLimits,
  now: () => number,
  counters: RefusedRequests,
): PublishLimit {
  const limitMessages = createRateLimit(limits.publishesPerSecond, "messages", now, {
    minBurst: limits.maxBatch,
    onRefused: counters.counterOf("publishes"),
  });
  const limitBytes = createRateLimit(limits.publishBytesPerSecond, "message bytes", now, {
    minBurst: limits.maxBodyBytes,
    onRefused: counters.counterOf("publish_bytes"),
  });
  return ({ identity, ip }, messages) => {
    const key = identity ?? `guest ${networkOf(ip ?? "")}`;
    // An empty batch counts as one message.
    limitMessages(key, Math.max(messages.length, 1));
    let bytes = 0;
    for (const message of messages) bytes += messageSize(message);
    limitBytes(key, bytes);
  };
}
