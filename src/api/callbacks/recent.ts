import type { Milliseconds } from "../../realtime/units.ts";
import type { Ask } from "./options.ts";

/** A question to the backend, or one attempt to tell it events. It has no text of the request or of the response. */
export interface RecentCallback {
  /** When it ended, in ISO 8601. */
  readonly at: string;
  /** `tell`: a batch of events. */
  readonly type: Ask | "tell";
  /** Number of subscription keys, messages or events that it was about. */
  readonly count: number;
  /** `failed`: the backend gave no valid answer. */
  readonly outcome: "allowed" | "refused" | "delivered" | "failed";
  readonly milliseconds: Milliseconds;
  /** Whether a question was answered by an earlier answer. Undefined for `tell`. */
  readonly cached?: boolean | undefined;
  /** Of `tell`: number of the attempt, from 1. It begins anew after a batch was delivered. */
  readonly attempt?: number | undefined;
}

/** Number of callbacks that are remembered. */
export const MAX_RECENT = 50;

/** Adds a callback to a list of the newest ones, newest first. */
export function remember(recent: RecentCallback[], callback: RecentCallback): void {
  recent.unshift(callback);
  recent.splice(MAX_RECENT);
}
