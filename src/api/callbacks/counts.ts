/** Totals of the questions to a backend in this process (on Workers: in this isolate). */
export interface AskCounts {
  /** Questions that were sent. */
  readonly asked: number;
  /** Requests that an answer has refused. */
  readonly refused: number;
  /** Questions without a valid answer in time. */
  readonly failed: number;
  /** Questions that a cached answer has answered. */
  readonly cached: number;
}

export const NOTHING_ASKED: AskCounts = { asked: 0, refused: 0, failed: 0, cached: 0 };
