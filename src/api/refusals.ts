/** Limits of requests that are counted where the request is served. */
export type RequestLimit = "publishes" | "publish_bytes" | "history_scan";

const LIMITS: readonly RequestLimit[] = ["publishes", "publish_bytes", "history_scan"];

/** Counts requests that were refused because of a rate, in this process (on Workers: in each isolate). */
export class Refusals {
  readonly #counts = new Map<RequestLimit, number>(LIMITS.map((limit) => [limit, 0]));

  get counts(): ReadonlyMap<RequestLimit, number> {
    return this.#counts;
  }

  /** Returns what a rate limit calls for each refusal. */
  counterOf(limit: RequestLimit): () => void {
    return () => this.#counts.set(limit, (this.#counts.get(limit) ?? 0) + 1);
  }
}
