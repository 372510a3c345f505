/** Keeps the values that were used last, as far as they were used while at least half of the cache was filled. */
export class BoundedCache<Value> {
  readonly #max: number;
  readonly #create: (key: string) => Value;
  /** The value that was used last is at the end. See `#refresh`. */
  readonly #values = new Map<string, Value>();

  /**
   * @param max Maximum number of values.
   * @param create Creates the value for a key. An exception is passed on to the caller of `get`.
   */
  constructor(max: number, create: (key: string) => Value) {
    this.#max = max;
    this.#create = create;
  }

  get(key: string): Value {
    const found = this.#values.get(key);
    if (found !== undefined) {
      this.#refresh(key, found);
      return found;
    }
    const value = this.#create(key);
    const [oldest] = this.#values.keys();
    if (oldest !== undefined && this.#values.size >= this.#max) this.#values.delete(oldest);
    this.#values.set(key, value);
    return value;
  }

  /** Moves a value to the end. While less than half of the cache is used, the order does not matter yet, and moving takes time. */
  #refresh(key: string, value: Value): void {
    if (this.#values.size < this.#max / 2) return;
    this.#values.delete(key);
    this.#values.set(key, value);
  }
}
