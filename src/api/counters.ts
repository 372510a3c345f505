/** Limits of requests that are counted where the request is served. */
export type RequestLimit = "publishes" | "publish_bytes" | "history_scan";

/** Counts requests that were refused because of a rate, in this process (on Workers: in each isolate). */
export class RefusedRequests {
  readonly counts: Record<RequestLimit, number> = {
    publishes: 0,
    publish_bytes: 0,
    history_scan: 0,
  };

  /** Returns what a rate limit calls for each refusal. */
  counterOf(limit: RequestLimit): () => void {
    return () => {
      this.counts[limit] += 1;
    };
  }
}
