/** How many waiting bytes one client may have, and when a client with more is disconnected. */
import type { Bytes } from "../realtime/units.ts";
import type { SinkListener } from "./sink.ts";

/**
 * A sink accepts this many times `maxBufferedBytes` until the current turn of the event loop ends. No client can take bytes
 * during a turn. A lower limit would therefore disconnect a client that reads fast enough, but is sent a large batch in one
 * turn.
 */
const BURST_FACTOR = 4;

/**
 * Whether a sink accepts a frame within the current turn. A sink without waiting bytes accepts a frame of any size.
 * Otherwise a client could never receive a message that is larger than its limit.
 */
export function fitsBurst(queued: Bytes, frame: Bytes, maxBufferedBytes: Bytes): boolean {
  return queued === 0 || queued + frame <= maxBufferedBytes * BURST_FACTOR;
}

/** A queue with waiting bytes. It may exceed `maxBufferedBytes` until the end of a turn. */
export interface BoundedQueue {
  /** Whether there are more than `maxBufferedBytes` waiting bytes. A single frame of any size is not over the limit. */
  isOverLimit(): boolean;
}

/**
 * Queues that will be checked in the next turn. A WeakSet, because workerd drops the timers of a request that has ended, so
 * the queue is then never deleted.
 */
const checks = new WeakSet<BoundedQueue>();

/**
 * Calls `listener.onOverflow` if the queue is still over its limit in the next turn of the event loop. Call this function when
 * the queue exceeds `maxBufferedBytes`. Further calls in the same turn do nothing.
 */
export function checkNextTurn(queue: BoundedQueue, listener: SinkListener): void {
  if (checks.has(queue)) return;
  checks.add(queue);
  setTimeout(() => {
    checks.delete(queue);
    if (queue.isOverLimit()) listener.onOverflow();
  });
}
