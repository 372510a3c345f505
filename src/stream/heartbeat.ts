/** Something to be looked after every so often. */
export interface HeartbeatListener {
  onHeartbeat(): void;
}

/** Where one has its turn. */
export type HeartbeatHandle = Set<HeartbeatListener> | ReturnType<typeof setInterval>;

/** Looks after streams, each once in every interval. */
export interface Heartbeat {
  /** From now on, until it is removed. */
  add(one: HeartbeatListener): HeartbeatHandle;
  /** @param beat What `add` returned. */
  remove(one: HeartbeatListener, beat: HeartbeatHandle): void;
}

/** Most turns of an interval in which streams have theirs. */
const MAX_SLOTS = 64;
/** Milliseconds between two of them, at least. */
const MIN_SLOT_DURATION = 20;

/**
 * One timer for all, and none while there are none. Each has its turn in a slot of the interval. The first comes after
 * three quarters of it to one whole, so that those who came together are spread over a quarter.
 */
export class SharedHeartbeat implements Heartbeat {
  readonly #slots: Set<HeartbeatListener>[];
  readonly #slotDuration: number;
  #count = 0;
  /** The slot whose turn is next. */
  #nextSlot = 0;
  /** How far before that the next stream goes: its turn comes as much earlier than an interval from now. */
  #offset = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  /** @param interval Milliseconds. */
  constructor(interval: number) {
    const count = Math.min(Math.max(Math.floor(interval / MIN_SLOT_DURATION), 1), MAX_SLOTS);
    this.#slots = Array.from({ length: count }, () => new Set());
    this.#slotDuration = interval / count;
  }

  add(one: HeartbeatListener): HeartbeatHandle {
    const { length } = this.#slots;
    this.#offset = (this.#offset + 1) % Math.ceil(length / 4);
    const slot = this.#slots[
      (this.#nextSlot + length - 1 - this.#offset) % length
    ] as Set<HeartbeatListener>;
    slot.add(one);
    this.#count += 1;
    this.#timer ??= setInterval(() => this.#runNextSlot(), this.#slotDuration);
    return slot;
  }

  remove(one: HeartbeatListener, beat: HeartbeatHandle): void {
    if (!(beat instanceof Set) || !beat.delete(one)) return;
    this.#count -= 1;
    if (this.#count > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #runNextSlot(): void {
    const slot = this.#slots[this.#nextSlot] as Set<HeartbeatListener>;
    this.#nextSlot = (this.#nextSlot + 1) % this.#slots.length;
    for (const one of slot) one.onHeartbeat();
  }
}

/** A timer for each: on Workers what one request has set can't serve another. */
export class IntervalHeartbeat implements Heartbeat {
  readonly #interval: number;

  constructor(interval: number) {
    this.#interval = interval;
  }

  add(one: HeartbeatListener): HeartbeatHandle {
    return setInterval(() => one.onHeartbeat(), this.#interval);
  }

  remove(_: HeartbeatListener, beat: HeartbeatHandle): void {
    if (!(beat instanceof Set)) clearInterval(beat);
  }
}
