/** How many bytes a sink may queue for one client, and when the excess is an overflow. */
import type { Bytes } from "../realtime/units.ts";
import type { SinkListener } from "./sink.ts";

/**
 * A sink accepts this many times `maxBufferedBytes` until the current turn of the event loop ends. No connection drains
 * during a turn, so a lower limit would disconnect a client that keeps up but is sent a whole batch at once.
 */
const BURST_FACTOR = 4;

/**
 * Whether a sink accepts a frame within the current turn. A sink with an empty queue accepts a frame of any size: otherwise
 * a client could never receive a message larger than its limit.
 */
export function fitsBurst(queued: Bytes, frame: Bytes, maxBufferedBytes: Bytes): boolean {
  return queued === 0 || queued + frame <= maxBufferedBytes * BURST_FACTOR;
}

/** A queue that may exceed `maxBufferedBytes` until the end of a turn. */
export interface BoundedQueue {
  /** Whether more than `maxBufferedBytes` are queued. A single frame of any size is not over the limit. */
  isOverLimit(): boolean;
}

/** Queues with a check in the next turn. Weak, because workerd drops the timers of a request that has ended. */
const checks = new WeakSet<BoundedQueue>();

/**
 * Calls `listener.onOverflow` if the queue is still over its limit in the next turn of the event loop. Call it when the
 * queue exceeds `maxBufferedBytes`. Further calls in the same turn do nothing.
 */
export function checkNextTurn(queue: BoundedQueue, listener: SinkListener): void {
  if (checks.has(queue)) return;
  checks.add(queue);
  setTimeout(() => {
    checks.delete(queue);
    if (queue.isOverLimit()) listener.onOverflow();
  });
}
