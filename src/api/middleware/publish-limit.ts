import { messageSize } from "../../log/log.ts";
import { networkOf } from "../../realtime/access/ip-address.ts";
import type { Message, Principal } from "../../realtime/types.ts";
import type { RefusedRequests } from "../counters.ts";
import type { RequestLimits } from "../limits.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Counts messages against the limits of their publisher. @throws RealtimeError `too_many_requests`. */
export type PublishLimit = (publisher: Principal, messages: readonly Message[]) => void;

/**
 * Limits the messages and bytes that each identity publishes per second, so that one identity can't fill the whole history.
 * Guests of one network (`networkOf`) share a limit, and so do all guests without a known address.
 *
 * When the byte limit refuses a request, its messages have already been counted by the message limit. This is intended: a refused
 * request costs work too.
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
    // A user's identity contains no control character, so it can't equal the key of a guest, which contains a tab.
    const key = identity ?? `guest\t${networkOf(ip ?? "")}`;
    // An empty batch costs one message.
    limitMessages(key, Math.max(messages.length, 1));
    let bytes = 0;
    for (const message of messages) bytes += messageSize(message);
    limitBytes(key, bytes);
  };
}
