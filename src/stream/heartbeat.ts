/** Timers that call each open stream once in an interval. */
import type { Milliseconds } from "../realtime/units.ts";

/** Called once in every interval. `StreamSession` implements it. */
export interface HeartbeatListener {
  onHeartbeat(): void;
}

/** Identifies a listener's registration: the slot of a `SharedHeartbeat`, or the timer of an `IntervalHeartbeat`. */
export type HeartbeatHandle = Set<HeartbeatListener> | ReturnType<typeof setInterval>;

/** Calls its listeners once in every interval. */
export interface Heartbeat {
  add(listener: HeartbeatListener): HeartbeatHandle;
  /** @param handle The result of `add` for this listener. */
  remove(listener: HeartbeatListener, handle: HeartbeatHandle): void;
}

/** Number of slots of a long interval. */
const MAX_SLOTS = 64;
/** The shortest time between two slots. A short interval has fewer slots. */
const MIN_SLOT_DURATION: Milliseconds = 20;

/**
 * Calls all listeners from one timer, which runs only while there are listeners. The interval is divided into slots, and
 * each listener has one of them. A listener is first called after three quarters of an interval to one interval: listeners
 * that are added together are spread over a quarter of it.
 */
export class SharedHeartbeat implements Heartbeat {
  readonly #slots: Set<HeartbeatListener>[];
  readonly #slotDuration: Milliseconds;
  #count = 0;
  /** Index of the slot that runs next. */
  #nextSlot = 0;
  /** By how many slots the next listener is called earlier than one interval from now: 0 to a quarter of all slots. */
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
    const slot = this.#slots[this.#nextSlot] as Set<HeartbeatListener>;
    this.#nextSlot = (this.#nextSlot + 1) % this.#slots.length;
    for (const listener of slot) listener.onHeartbeat();
  }
}

/** One timer for each listener. Workers needs it: a timer that one request has set can't write to another's response. */
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
