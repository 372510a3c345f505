/** The events that a backend may be told of, and their form (docs/callbacks.md). */
import { nanoid } from "nanoid";
import type { CloseReason } from "../realtime/types.ts";
import type { Milliseconds } from "../realtime/units.ts";

/** What a backend can be told. `occupied` and `vacated`: a topic has its first subscriber, and has lost its last. */
export const TELLS = ["connected", "disconnected", "occupied", "vacated"] as const;
export type Tell = (typeof TELLS)[number];

/** Something that a backend may be told. */
export interface CallbackEvent {
  readonly type: Tell;
  /** Of `occupied` and `vacated`. */
  readonly topic?: string | undefined;
  /** Of `connected` and `disconnected`. */
  readonly clientId?: string | undefined;
  /** Of `connected`. Undefined for a guest. */
  readonly identity?: string | undefined;
  /** Of `disconnected`. */
  readonly reason?: CloseReason | undefined;
}

/** Maximum number of events in one request. */
export const MAX_BATCH = 100;

export const MAX_RETRY_DELAY: Milliseconds = 60_000;

/** 1 s, 2 s, 4 s and so on up to 60 s, each shortened by up to a half at random. */
export function retryDelay(attempt: number): Milliseconds {
  const delay = Math.min(1000 * 2 ** attempt, MAX_RETRY_DELAY);
  return delay * (1 - Math.random() / 2);
}

/**
 * Returns the JSON of an event, with a new id.
 *
 * @param now Milliseconds since 1970.
 */
export function toEventJSON({ type, ...event }: CallbackEvent, now: number): string {
  const at = new Date(now).toISOString();
  return JSON.stringify({ id: `evt_${nanoid()}`, type, ...event, at });
}

/** A request that tells a backend of events. */
export interface EventRequest {
  /** `webhook-id`: the same if the request is sent again. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/** @param events The JSON of each event. */
export function toEventRequest(
  events: readonly string[],
  id: string = `msg_${nanoid()}`,
): EventRequest {
  return { id, body: `{"events":[${events.join()}]}` };
}
