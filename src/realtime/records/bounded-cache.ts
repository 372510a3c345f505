/** Limits the size of all values of a cache together. */
export interface CacheSize<Value> {
  readonly max: number;
  /** Returns the size of a value. */
  readonly of: (key: string, value: Value) => number;
}

/**
 * A cache with a maximum number and size of values. A full cache removes the value whose last use is longest ago. A use counts
 * only if at least half of the cache is filled at that time.
 */
export class BoundedCache<Value> {
  readonly #max: number;
  readonly #create: (key: string) => Value;
  readonly #sizes: CacheSize<Value> | undefined;
  /** The value that was used last is at the end. See `#refresh`. */
  readonly #values = new Map<string, Value>();
  #size = 0;

  /**
   * @param max Maximum number of values.
   * @param create Creates the value for a key. An exception is passed on to the caller of `get`.
   * @param sizes Default: the size is not limited.
   */
  constructor(max: number, create: (key: string) => Value, sizes?: CacheSize<Value>) {
    this.#max = max;
    this.#create = create;
    this.#sizes = sizes;
  }

  get(key: string): Value {
    const found = this.#values.get(key);
    if (found !== undefined) {
      this.#refresh(key, found);
      return found;
    }
    const value = this.#create(key);
    this.#values.set(key, value);
    this.#size += this.#sizes?.of(key, value) ?? 0;
    this.#removeOldest();
    return value;
  }

  /** Keeps the newest value, even if it is too large. */
  #removeOldest(): void {
    const maxSize = this.#sizes?.max ?? 0;
    for (const [key, value] of this.#values) {
      const isFull = this.#values.size > this.#max || this.#size > maxSize;
      if (!isFull || this.#values.size === 1) return;
      this.#values.delete(key);
      this.#size -= this.#sizes?.of(key, value) ?? 0;
    }
  }

  /** Moves a value to the end. While the cache is less than half filled, the order does not matter, and moving takes time. */
  #refresh(key: string, value: Value): void {
    const maxSize = this.#sizes?.max ?? 0;
    if (this.#values.size < this.#max / 2 && this.#size <= maxSize / 2) return;
    this.#values.delete(key);
    this.#values.set(key, value);
  }
}
