import { nanoid } from "nanoid";
import { epochOf, formatCursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { RealtimeManager } from "../realtime/manager.ts";
import { parseSubscription } from "../realtime/subscriptions/subscription-key.ts";
import type { LogReader } from "../realtime/types.ts";
import type { ConnectRequest } from "./registry.ts";

/** The identity of a new stream, which its handshake sends to the client. */
export interface StreamIdentity {
  readonly clientId: string;
  /** See `ClientConnection.cursor`. */
  readonly cursor: string | undefined;
}

/**
 * Assigns a client id and the cursor where the stream starts.
 *
 * The client id is the first event id of a stream, so it is the `Last-Event-ID` of a browser that reconnects before it has
 * received another event. The client id therefore starts with the cursor. There are two exceptions, in which the reconnected
 * client must get the same start again: its cursor is unknown to the log, or it asked for the newest messages first.
 *
 * @param shard Index of the shard, from 0.
 */
export function assignClientId(
  { lastEventId, last, topics = [] }: ConnectRequest,
  manager: RealtimeManager,
  log: LogReader,
  shard = 0,
): StreamIdentity {
  let cursor: string | undefined;
  if (lastEventId !== undefined) {
    const position = manager.parseEventId(lastEventId);
    cursor = position && formatCursor(position);
  } else if (log.keepsHistory && !last && !topics.some(startsWithNewest)) {
    cursor = log.cursor();
  }
  // The epoch is always part of the id: another process recognises by it that the client is not one of its own.
  const prefix = cursor ?? `${shard}-${epochOf(log.cursor()) ?? ""}`;
  return { clientId: `${prefix}.${nanoid()}`, cursor };
}

function startsWithNewest(key: string): boolean {
  return parseSubscription(key).options.last !== undefined;
}

/** Subscribes a client that was just registered to the topics of its connect request. */
export function applyInitialSubscriptions(
  manager: RealtimeManager,
  { topics = [], lastEventId, last, ...principal }: ConnectRequest,
  { clientId, cursor }: StreamIdentity,
): void {
  if (topics.length === 0 && lastEventId === undefined && !last) return;
  manager.setSubscriptions(clientId, {
    ...principal,
    // The cursor was assigned before the client was registered. Starting there delivers what was published in between.
    lastEventId: lastEventId ?? cursor,
    last,
    subscriptions: topics,
    isInitial: lastEventId === undefined,
  });
}

/** The error of a registry that was closed. */
export function serverClosed(): RealtimeError {
  return new RealtimeError("closed", "The server is stopping. Try again soon.");
}
