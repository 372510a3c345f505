import type { Client } from "../clients/client.ts";
import type { ManagerCore } from "../manager-core.ts";
import type { LogGap } from "../types.ts";
import type { ClientReplay } from "./client-replay.ts";
import type { RestartPlan } from "./start-plan.ts";

/**
 * Continues after a gap in the log. Every client with subscriptions receives PB_RESUME with `recovered: false`, after the
 * messages before the gap and before any later message. A client with a replay that has not passed `validTo` continues its
 * replay instead. One turn of the event loop handles all clients, because later messages may follow at once. This long turn is
 * acceptable because gaps are rare.
 *
 * @param cursor The cursor after which the log continues.
 */
export function continueAfterGap(core: ManagerCore, { validTo }: LogGap, cursor: string): void {
  for (const client of core.clients.values()) core.deliveries.settle(client);
  core.cursors.liveCursor = cursor;
  for (const client of core.clients.values()) {
    if (core.clients.index.keysOf(client).length > 0) continueClient(core, client, validTo);
  }
}

function continueClient({ replays, cursors }: ManagerCore, client: Client, validTo: number): void {
  const { replay } = client;
  const plan = replay && planAfterGap(replay, cursors.liveSequence, validTo);
  if (plan === undefined || plan.isUnrecovered) replays.continueUnrecovered(client, plan);
  else replays.replace(client, plan);
}

/**
 * Plans how a replay continues after a gap in the log (`LogGap`). A page that is being read belongs to the replay before the gap,
 * and is ignored.
 *
 * @param live The sequence after which the log continues.
 * @param validTo `LogGap.validTo`.
 */
function planAfterGap(replay: ClientReplay, live: number, validTo: number): RestartPlan {
  const { state } = replay;
  const positions = replay.keys.map((key) => replay.positionOf(key));
  if (replay.reached > validTo) {
    // The client has received messages that are lost, at least for one of its keys. Keys of which no message was sent still
    // start with their newest messages.
    const restarted = positions.map((position) => (position < 0 ? position : live));
    return {
      state: {
        ...state,
        positions: restarted,
        position: live,
        keyHash: undefined,
        newestAtStart: live,
        searchedFrom: undefined,
        keptUntil: 0,
        unsafeUntil: live,
        isResume: false,
      },
      isUnrecovered: true,
    };
  }
  const { newestAtStart, searchedFrom, keptUntil = 0, position } = state;
  return {
    state: {
      ...state,
      positions: positions.map((one) => Math.min(one, validTo)),
      position: Math.min(position, validTo),
      newestAtStart: Math.min(newestAtStart, validTo),
      searchedFrom: searchedFrom?.map((sequence) => Math.min(sequence, validTo)),
      keptUntil: Math.min(keptUntil, validTo),
    },
    isUnrecovered: false,
  };
}
