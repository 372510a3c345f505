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
const MOST_SLOTS = 64;
/** Milliseconds between two of them, at least. */
const LEAST_GAP = 20;

/**
 * One timer for all, and none while there are none. Each has its turn in a slot of the interval. The first comes after
 * three quarters of it to one whole, so that those who came together are spread over a quarter.
 */
export class SharedHeartbeat implements Heartbeat {
  readonly #slots: Set<HeartbeatListener>[];
  readonly #gap: number;
  #count = 0;
  /** The slot whose turn is next. */
  #due = 0;
  /** How far before that the next stream goes: its turn comes as much earlier than an interval from now. */
  #back = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  /** @param interval Milliseconds. */
  constructor(interval: number) {
    const count = Math.min(Math.max(Math.floor(interval / LEAST_GAP), 1), MOST_SLOTS);
    this.#slots = Array.from({ length: count }, () => new Set());
    this.#gap = interval / count;
  }

  add(one: HeartbeatListener): HeartbeatHandle {
    const { length } = this.#slots;
    this.#back = (this.#back + 1) % Math.ceil(length / 4);
    const slot = this.#slots[
      (this.#due + length - 1 - this.#back) % length
    ] as Set<HeartbeatListener>;
    slot.add(one);
    this.#count += 1;
    this.#timer ??= setInterval(() => this.#turn(), this.#gap);
    return slot;
  }

  remove(one: HeartbeatListener, beat: HeartbeatHandle): void {
    if (!(beat instanceof Set) || !beat.delete(one)) return;
    this.#count -= 1;
    if (this.#count > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #turn(): void {
    const slot = this.#slots[this.#due] as Set<HeartbeatListener>;
    this.#due = (this.#due + 1) % this.#slots.length;
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
