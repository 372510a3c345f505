/** The name of a rate limit. The refusals of each of these limits are counted. */
export type RequestLimit = "publishes" | "publish_bytes" | "presence" | "history_scan";

/** Counts the requests that a rate limit has refused in this process (on Workers: in this isolate). */
export class RefusedRequests {
  readonly counts: Record<RequestLimit, number> = {
    publishes: 0,
    publish_bytes: 0,
    presence: 0,
    history_scan: 0,
  };

  /** Returns the function that counts one refusal by this limit. */
  counterOf(limit: RequestLimit): () => void {
    return () => {
      this.counts[limit] += 1;
    };
  }
}
