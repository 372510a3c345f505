import { type Cursor, hashKey } from "../cursor.ts";
import type { StartPosition } from "../types.ts";
import type { ClientReplay, ReplayState } from "./client-replay.ts";
import type { PositionedClient, ResumeCursors } from "./resume-cursors.ts";

/** Where the keys start that a request adds. */
export interface ReplayStart extends StartPosition {
  /** `SubscribeRequest.isInitial`. */
  readonly isInitial?: boolean | undefined;
  /** Whether keys that the client already had reach more private messages with the rights of the request. */
  readonly rightsExpanded?: boolean | undefined;
}

/** How many of its newest messages a key starts with: the key's own `last` option, or else `defaultLast`. */
export type NewestCount = (key: string, defaultLast: number) => number;

/** The replay with which a client starts. */
export interface StartPlan {
  readonly state: ReplayState;
  /** Whether the client asked to resume and the messages that it missed can't all be replayed. */
  readonly isUnrecovered: boolean;
}

/**
 * Plans the replay of a client with replaced keys. Each key gets a position of its own: a key that the client already had
 * continues where it was, and a new key starts where the request says.
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
    return from === undefined ? -newestCount(key, last) || live : positionAfter(from, key);
  });
  const position = earliest(positions, live);

  const isResume = lastEventId !== undefined && !isInitial;
  // A client id names the cursor at which the stream began. Earlier keys have no messages from before that.
  const streamStart = cursors.parseEventId(client.clientId)?.sequence ?? 0;
  const hasEarlierKeys = newKeys.length < keys.length;
  const earlierKeysMissed = from !== undefined && from.sequence < streamStart && hasEarlierKeys;
  const isUnrecovered = isResume && (from === undefined || rightsExpanded || earlierKeysMissed);

  // The replay starts within a message if one of the two positions that it may take over is within a message.
  let keyHash: string | undefined;
  if (position === before?.position) keyHash = before.keyHash;
  else if (position === from?.sequence) keyHash = from.keyHash;
  // No cursor can name what the client has until its new keys have caught up with its earlier ones.
  let unsafeUntil = 0;
  if (isUnrecovered) unsafeUntil = live;
  else if (newKeys.length === 0) unsafeUntil = before?.unsafeUntil ?? 0;
  else if (hasEarlierKeys) unsafeUntil = replay?.reached ?? live;

  const state: ReplayState = {
    position,
    positions,
    last,
    keyHash,
    newestAtStart: before !== undefined && replay?.isSearchingBack ? before.newestAtStart : live,
    unsafeUntil,
    replayed: before?.replayed ?? 0,
    isResume: (isResume && !isUnrecovered) || (before?.isResume ?? false),
    hasMoved: replay !== undefined || (isUnrecovered && from !== undefined),
  };
  return { state, isUnrecovered };
}

/** The replay with which a client continues after the history has lost the messages that come next. */
export interface RestartPlan {
  readonly state: ReplayState;
  /** Whether the client has missed messages. */
  readonly isUnrecovered: boolean;
}

/**
 * Plans how a replay continues when the history no longer has the messages after its position. Keys at that position continue
 * with their newest messages or with the live ones, keys further on where they are.
 *
 * @param live The sequence of the newest message that the live clients have been given.
 */
export function planRestart(
  replay: ClientReplay,
  live: number,
  newestCount: NewestCount,
): RestartPlan {
  const { state } = replay;
  const hasReplayed = state.replayed > 0;
  // When only the newest messages were asked for and none was sent, newer ones can take the place of those that were lost.
  let isUnrecovered = hasReplayed || state.isResume || state.position >= state.newestAtStart;
  const positions = replay.keys.map((key) => {
    const position = replay.positionOf(key);
    if (position > state.position) return position;
    const last = hasReplayed ? 0 : newestCount(key, state.last);
    if (last === 0) isUnrecovered = true;
    return -last || live;
  });
  const restarted = {
    ...state,
    position: earliest(positions, live),
    keyHash: undefined,
    positions,
  };
  if (!isUnrecovered) return { state: restarted, isUnrecovered };
  return {
    state: { ...restarted, newestAtStart: live, unsafeUntil: live, isResume: false },
    isUnrecovered,
  };
}

/** The sequence after which a key's messages are still to be sent to a client that resumes from a cursor. */
function positionAfter({ sequence, keyHash }: Cursor, key: string): number {
  return keyHash !== undefined && hashKey(key) <= keyHash ? sequence + 1 : sequence;
}

/** The earliest position. Negative positions, which are still to be found, are left out. */
function earliest(positions: readonly number[], live: number): number {
  return Math.min(live, ...positions.filter((position) => position >= 0));
}
