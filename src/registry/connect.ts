import { nanoid } from "nanoid";
import { epochOf, formatCursor } from "../realtime/cursor.ts";
import type { RealtimeManager } from "../realtime/manager.ts";
import { parseSubscription } from "../realtime/subscriptions/subscription-key.ts";
import type { LogReader } from "../realtime/types.ts";
import type { ConnectRequest } from "./registry.ts";

/** What a new client is told of itself. */
export interface StreamIdentity {
  readonly clientId: string;
  readonly cursor: string | undefined;
}

/**
 * A client id, and the place where its stream begins.
 *
 * A browser sends the last id it saw when it comes back, and that is the client id until a cursor has arrived.
 * So the id names the place as well, wherever there is one to come back to; where the client is about to be told
 * that its place is gone, or is to get the newest messages first, it must be told that again.
 */
export function assignClientId(
  { lastEventId, last, topics = [] }: ConnectRequest,
  manager: RealtimeManager,
  log: LogReader,
  shard = 0,
): StreamIdentity {
  let cursor: string | undefined;
  if (lastEventId !== undefined) {
    const place = manager.parseEventId(lastEventId);
    cursor = place && formatCursor(place);
  } else if (log.keepsHistory && !last && !topics.some(beginsWithNewest)) {
    cursor = log.cursor();
  }
  // Without a cursor it names the log's life all the same, so that another process can tell that the client is not its own.
  const life = epochOf(log.cursor()) ?? "";
  return { clientId: `${cursor ?? `${shard}-${life}`}.${nanoid()}`, cursor };
}

function beginsWithNewest(key: string): boolean {
  return parseSubscription(key).options.last !== undefined;
}

/** Subscribes a client that was just taken in to what it connected with. */
export function applyInitialSubscriptions(
  manager: RealtimeManager,
  { topics = [], lastEventId, last, ...peer }: ConnectRequest,
  { clientId, cursor }: StreamIdentity,
): void {
  if (topics.length === 0 && lastEventId === undefined && !last) return;
  const isInitial = lastEventId === undefined;
  // What came since the client was told its place is not lost on it.
  const start = { lastEventId: lastEventId ?? cursor, last };
  manager.setSubscriptions(clientId, {
    ...peer,
    ...start,
    subscriptions: topics,
    isInitial,
  });
}
