/** Totals of the questions to a backend in this process (on Workers: in this isolate). */
export interface AskCounts {
  /** Questions that were sent. */
  readonly asked: number;
  /** Answers with a refusal, cached answers included. */
  readonly refused: number;
  /** Questions without a valid answer in time. */
  readonly failed: number;
  /** Questions that were not sent, because a cached answer applied. */
  readonly cached: number;
}

/** Totals of the events for a backend in this process, and the number of those that wait. All are 0 on Workers, where the hubs tell. */
export interface TellCounts {
  /** Events that were delivered. */
  readonly told: number;
  /** Requests that failed and were sent again. */
  readonly retried: number;
  /** Events that were dropped, because the queue was full or the process stopped. */
  readonly dropped: number;
  /** Events that have not been delivered yet. */
  readonly waiting: number;
}

export const NOTHING_TOLD: TellCounts = { told: 0, retried: 0, dropped: 0, waiting: 0 };

export const NOTHING_ASKED: AskCounts = { asked: 0, refused: 0, failed: 0, cached: 0 };
