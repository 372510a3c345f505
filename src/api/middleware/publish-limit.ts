import { messageSize } from "../../log/log.ts";
import { networkOf } from "../../realtime/access/ip-address.ts";
import type { Message, Principal } from "../../realtime/types.ts";
import type { RefusedRequests } from "../counters.ts";
import type { RequestLimits } from "../limits.ts";
import { createRateLimit } from "./rate-limit.ts";

/**
 * Refuses messages that exceed the rates of their publisher, and counts the others. The caller does not call it for the admin
 * key, which has no rate.
 *
 * @throws RealtimeError `too_many_requests`. Messages that the limit of bytes refuses have counted as messages.
 */
export type PublishLimit = (publisher: Principal, messages: readonly Message[]) => void;

/**
 * Limits the messages and bytes that each identity publishes per second. The history keeps messages for a limited time,
 * so these rates limit how much of it one identity can fill. Guests are counted by their network, and all guests without a known
 * address together.
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
    // The tab keeps guests apart from identities: an identity has no control characters.
    const key = identity ?? `guest\t${networkOf(ip ?? "")}`;
    // An empty batch counts as one message, so that requests without messages are limited too.
    limitMessages(key, Math.max(messages.length, 1));
    let bytes = 0;
    for (const message of messages) bytes += messageSize(message);
    limitBytes(key, bytes);
  };
}
