/** Timers that call each open stream once in each interval. */
import type { Milliseconds } from "../realtime/units.ts";

/** Called once in every interval. `StreamSession` implements it. */
export interface HeartbeatListener {
  onHeartbeat(): void;
}

/** The registration of a listener: its slot in a `SharedHeartbeat`, or its timer in an `IntervalHeartbeat`. */
export type HeartbeatHandle = Set<HeartbeatListener> | ReturnType<typeof setInterval>;

/** Calls its listeners once in every interval. */
export interface Heartbeat {
  add(listener: HeartbeatListener): HeartbeatHandle;
  /** @param handle The result of `add` for this listener. */
  remove(listener: HeartbeatListener, handle: HeartbeatHandle): void;
}

/** Maximum number of slots. */
const MAX_SLOTS = 64;
/** Minimum time between two slots. A short interval therefore has fewer slots. */
const MIN_SLOT_DURATION: Milliseconds = 20;

/**
 * Calls all listeners from one timer. The timer runs only while there are listeners.
 *
 * The interval is divided into slots, and each listener is in one slot. Listeners that are added together are spread over a
 * quarter of the interval. The first call of a listener therefore comes after three quarters of an interval to one interval.
 */
export class SharedHeartbeat implements Heartbeat {
  readonly #slots: Set<HeartbeatListener>[];
  readonly #slotDuration: Milliseconds;
  #count = 0;
  /** Index of the slot that runs next. */
  #nextSlot = 0;
  /** Number of slots by which the first call of the last added listener is early, from 0 to a quarter of all slots. */
  #offset = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(interval: Milliseconds) {
    const count = Math.min(Math.max(Math.floor(interval / MIN_SLOT_DURATION), 1), MAX_SLOTS);
    this.#slots = Array.from({ length: count }, () => new Set());
    this.#slotDuration = interval / count;
  }

  add(listener: HeartbeatListener): HeartbeatHandle {
    const { length } = this.#slots;
    this.#offset = (this.#offset + 1) % Math.ceil(length / 4);
    // The cast tells the compiler that the index is within the array.
    const slot = this.#slots[
      (this.#nextSlot + length - 1 - this.#offset) % length
    ] as Set<HeartbeatListener>;
    slot.add(listener);
    this.#count += 1;
    this.#timer ??= setInterval(() => this.#runNextSlot(), this.#slotDuration);
    return slot;
  }

  remove(listener: HeartbeatListener, handle: HeartbeatHandle): void {
    if (!(handle instanceof Set) || !handle.delete(listener)) return;
    this.#count -= 1;
    if (this.#count > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #runNextSlot(): void {
    // The cast tells the compiler that the index is within the array.
    const slot = this.#slots[this.#nextSlot] as Set<HeartbeatListener>;
    this.#nextSlot = (this.#nextSlot + 1) % this.#slots.length;
    for (const listener of slot) listener.onHeartbeat();
  }
}

/**
 * Has one timer for each listener. Needed on Workers, because a timer that was set during one request can't write to the
 * response of another request.
 */
export class IntervalHeartbeat implements Heartbeat {
  readonly #interval: Milliseconds;

  constructor(interval: Milliseconds) {
    this.#interval = interval;
  }

  add(listener: HeartbeatListener): HeartbeatHandle {
    return setInterval(() => listener.onHeartbeat(), this.#interval);
  }

  remove(_: HeartbeatListener, handle: HeartbeatHandle): void {
    if (!(handle instanceof Set)) clearInterval(handle);
  }
}
