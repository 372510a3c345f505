import { nanoid } from "nanoid";
import { epochOf, formatCursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { RealtimeManager } from "../realtime/manager.ts";
import { parseSubscription } from "../realtime/subscriptions/subscription-key.ts";
import type { LogReader } from "../realtime/types.ts";
import type { ConnectRequest } from "./registry.ts";

/** The client id and start cursor of a new stream. */
export interface StreamIdentity {
  readonly clientId: string;
  /** See `ClientConnection.cursor`. */
  readonly cursor: string | undefined;
}

/**
 * Assigns a client id and the cursor at which the stream starts.
 *
 * The client id is the first event id of a stream. A browser that reconnects before it has received another event sends the
 * client id as `Last-Event-ID`. The client id therefore starts with the cursor, except in three cases:
 *
 * - The log does not know the cursor in `lastEventId`.
 * - The request has no `lastEventId` and asks for the newest messages. If the client reconnects, it must receive them again.
 * - The request has no `lastEventId` and the log keeps no history. Without a history, no client can resume.
 *
 * @param owner `shard`: index of the shard, from 0. `home`: name of the process among several. It follows the first dot of the id.
 */
export function assignClientId(
  { lastEventId, last, topics = [] }: ConnectRequest,
  manager: RealtimeManager,
  log: LogReader,
  { shard = 0, home }: { readonly shard?: number; readonly home?: string | undefined } = {},
): StreamIdentity {
  let cursor: string | undefined;
  if (lastEventId !== undefined) {
    const position = manager.parseEventId(lastEventId);
    cursor = position && formatCursor(position);
  } else if (log.keepsHistory && !last && !topics.some(startsWithNewest)) {
    cursor = log.cursor();
  }
  // The id always contains the epoch, so that another process recognises that the client is connected elsewhere.
  const prefix = cursor ?? `${shard}-${epochOf(log.cursor()) ?? ""}`;
  const owner = home === undefined ? prefix : `${prefix}.${home}`;
  return { clientId: `${owner}.${nanoid()}`, cursor };
}

function startsWithNewest(key: string): boolean {
  return parseSubscription(key).options.last !== undefined;
}

/** Subscribes a newly registered client to the topics of its connect request. */
export function applyInitialSubscriptions(
  manager: RealtimeManager,
  { topics = [], lastEventId, last, envelope: _, ...principal }: ConnectRequest,
  { clientId, cursor }: StreamIdentity,
): void {
  if (topics.length === 0 && lastEventId === undefined && !last) return;
  manager.setSubscriptions(clientId, {
    ...principal,
    // The cursor was assigned before the client was registered. If the client starts there, it also receives the messages that
    // were published in between.
    lastEventId: lastEventId ?? cursor,
    last,
    subscriptions: topics,
    isInitial: lastEventId === undefined,
  });
}

/** Creates the error for a topic without presence. */
export function noPresence(topic: string): RealtimeError {
  return new RealtimeError(
    "invalid_input",
    `The topic ${JSON.stringify(topic)} has no presence. Add a topic rule with "presence": true (REALTIME_TOPICS).`,
  );
}

/** Creates the error of a registry that was closed. */
export function serverClosed(): RealtimeError {
  return new RealtimeError("closed", "The server is stopping. Try again soon.");
}
