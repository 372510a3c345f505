import { type Cursor, hashKey, parseCursor } from "../cursor.ts";
import { eventNameOf } from "../subscriptions/subscription-key.ts";
import type { StartPosition } from "../types.ts";
import type { ClientReplay } from "./client-replay.ts";
import type { ReplayState } from "./replay-state.ts";
import type { PositionedClient, ResumeCursors } from "./resume-cursors.ts";

/** The parts of a subscribe request that determine where its new keys start. */
export interface ReplayStart extends StartPosition {
  /** `SubscribeRequest.isInitial`. */
  readonly isInitial?: boolean | undefined;
  /** Whether the request's rights let the client receive more private messages for keys that it already had. */
  readonly rightsExpanded?: boolean | undefined;
}

/** Returns how many of its newest messages a key starts with: the key's own `last` option, or else `defaultLast`. */
export type NewestCount = (key: string, defaultLast: number) => number;

/** The plan for the replay of a client with replaced keys. */
export interface StartPlan {
  readonly state: ReplayState;
  /** Whether the client asked to resume and the messages that it missed can't all be replayed. */
  readonly isUnrecovered: boolean;
}

/**
 * Plans the replay of a client with replaced keys. Each key has its own position. A key that the client already had
 * continues at its position. A new key starts at the position that the request sets.
 *
 * @param earlierKeys The keys that the client had before.
 * @param keys All keys of the client now.
 */
export function planStart(
  client: PositionedClient & { readonly clientId: string },
  earlierKeys: ReadonlySet<string>,
  keys: readonly string[],
  { lastEventId, last = 0, isInitial = false, rightsExpanded = false }: ReplayStart,
  cursors: ResumeCursors,
  newestCount: NewestCount,
): StartPlan {
  const live = cursors.liveSequence;
  const from = lastEventId === undefined ? undefined : cursors.parseEventId(lastEventId);
  const replay = client.replay;
  const before = replay?.state;
  const newKeys = keys.filter((key) => !earlierKeys.has(key));
  const positions = keys.map((key) => {
    if (earlierKeys.has(key)) return replay?.positionOf(key) ?? live;
    // A negative position: the replay must find this many newest messages (`ReplayState.positions`). With 0 messages to find,
    // the key starts with the next live message.
    return from === undefined ? -newestCount(key, last) || live : positionAfter(from, key);
  });
  const position = earliest(positions, live);

  const isResume = lastEventId !== undefined && !isInitial;
  // The client id may contain the cursor at which the stream began. The client has no older messages of its earlier keys, and
  // these keys do not start again. A resume from an older position would therefore miss messages.
  // If the log has lost that position, the client's earlier messages are unknown.
  const streamStart =
    cursors.parseEventId(client.clientId)?.sequence ??
    (parseCursor(client.clientId) === undefined ? 0 : Number.POSITIVE_INFINITY);
  const hasEarlierKeys = newKeys.length < keys.length;
  const earlierKeysMissed = from !== undefined && from.sequence < streamStart && hasEarlierKeys;
  const isUnrecovered = isResume && (from === undefined || rightsExpanded || earlierKeysMissed);

  // The replay starts within a message if its first position is the position of the earlier replay or of `from`, and that
  // position is within a message.
  let keyHash: string | undefined;
  if (position === before?.position) keyHash = before.keyHash;
  else if (position === from?.sequence) keyHash = from.keyHash;
  // No cursor can name the client's position until its new keys have reached the position of its earlier keys.
  let unsafeUntil = 0;
  if (isUnrecovered) unsafeUntil = live;
  else if (newKeys.length === 0) unsafeUntil = before?.unsafeUntil ?? 0;
  else if (hasEarlierKeys) unsafeUntil = replay?.reached ?? live;

  // Earlier keys continue to receive kept messages (`keptUntil`), unless a new key resumes from a cursor among them: for the new
  // key, messages that were not kept are lost.
  const { keptUntil = 0 } = before ?? {};
  const isAmongKept =
    position < keptUntil && (from === undefined || from.sequence >= keptUntil || !newKeys.length);
  const startsSearch = newKeys.length > 0 && from === undefined && Math.min(...positions) < 0;
  const keepsStart = replay?.isSearchingBack || isAmongKept || !startsSearch;
  const newestAtStart = (keepsStart ? before?.newestAtStart : undefined) ?? live;
  // A key that is added during the replay of another key starts with the messages that are the newest when the key is added.
  const searchedFrom =
    replay &&
    keys.map((key) => (earlierKeys.has(key) ? replay.searchedFrom(key) : undefined) ?? live);

  const state: ReplayState = {
    position,
    positions,
    last,
    keyHash,
    newestAtStart,
    searchedFrom,
    keptUntil: isAmongKept ? keptUntil : 0,
    unsafeUntil,
    replayed: before?.replayed ?? 0,
    isUnderWay: before !== undefined && (!keepsStart || isUnderWay(before)),
    isResume: (isResume && !isUnrecovered) || (before?.isResume ?? false),
    hasMoved: replay !== undefined || (isUnrecovered && from !== undefined),
  };
  return { state, isUnrecovered };
}

/** The plan for a replay that continues after the history has lost its next messages. */
export interface RestartPlan {
  readonly state: ReplayState;
  /** Whether the client has missed messages. */
  readonly isUnrecovered: boolean;
}

/**
 * Plans how a replay continues when the history has lost messages that must still be sent for some of its keys. These keys
 * continue with their newest messages or with live messages. The other keys continue at their positions.
 *
 * @param live The sequence of the newest message that was delivered to live clients.
 * @param trimmedTo The sequence up to which the history has lost messages.
 */
export function planRestart(
  replay: ClientReplay,
  live: number,
  trimmedTo: number,
  newestCount: NewestCount,
): RestartPlan {
  const { state } = replay;
  const { newestAtStart, keptUntil = 0 } = state;
  // As in `planStart`: negative, or `live` if there are no messages to find.
  const restartOf = (key: string) =>
    -(isUnderWay(state) ? 0 : newestCount(key, state.last)) || live;
  // If the client asked only for the newest messages and has received none yet, it has missed no message as long as the history
  // has all messages that came after the start. The replay can then start with other messages from before the start.
  const isFresh = !isUnderWay(state) && !state.isResume && newestAtStart >= trimmedTo;
  const lost = new Set(replay.keys.filter((key) => replay.hasLost(key, trimmedTo)));
  const isUnrecovered = [...lost].some(
    (key) => !isFresh || replay.positionOf(key) >= newestAtStart || restartOf(key) >= 0,
  );
  const positions = replay.keys.map((key) => {
    const position = replay.positionOf(key);
    // The state of an unrecovered client gets `keptUntil: 0`, so a key can't continue among kept messages either.
    const isAmongKept = position >= 0 && position < keptUntil;
    return lost.has(key) || (isUnrecovered && isAmongKept) ? restartOf(key) : position;
  });
  const restarted = {
    ...state,
    position: earliest(positions, live),
    keyHash: undefined,
    positions,
  };
  if (!isUnrecovered) return { state: restarted, isUnrecovered };
  return {
    state: {
      ...restarted,
      newestAtStart: live,
      searchedFrom: undefined,
      ...{ keptUntil: 0, unsafeUntil: live, isResume: false },
    },
    isUnrecovered,
  };
}

/** `ReplayState.isUnderWay`, also for a state that an earlier version has stored. */
function isUnderWay(state: ReplayState): boolean {
  return state.isUnderWay ?? state.replayed > 0;
}

/** Returns the sequence after which a key's messages must be sent to a client that resumes from a cursor. */
function positionAfter({ sequence, keyHash }: Cursor, key: string): number {
  return keyHash !== undefined && hashKey(eventNameOf(key)) <= keyHash ? sequence + 1 : sequence;
}

/** Returns the earliest position. Ignores negative positions, because the replay still has to find their messages. */
function earliest(positions: readonly number[], live: number): number {
  return Math.min(live, ...positions.filter((position) => position >= 0));
}
