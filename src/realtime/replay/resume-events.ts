import { formatCursorEvent, formatSSEMessage } from "../sse.ts";
import type { ClientReplay } from "./client-replay.ts";
import type { PositionedClient, ResumeCursors } from "./resume-cursors.ts";

/** PB_RESUME for a client that has missed messages which the history no longer has. */
export function formatUnrecovered(id: string): string {
  return formatSSEMessage({ event: "PB_RESUME", data: { recovered: false }, id });
}

/**
 * The event after the last message of a replay: PB_RESUME for a client that asked to resume, otherwise PB_CURSOR with the
 * cursor of the live clients, and "" for a client that has this cursor or needs none.
 *
 * @param client The client after its replay was ended.
 */
export function formatFinalEvent(
  client: PositionedClient,
  replay: ClientReplay,
  cursors: ResumeCursors,
): string {
  const { isResume, hasMoved, replayed } = replay.state;
  if (isResume) {
    const id = cursors.createEventId(client);
    return formatSSEMessage({ event: "PB_RESUME", data: { recovered: true, replayed }, id });
  }
  // The id of an earlier PB_RESUME is a cursor with a suffix after a dot.
  const hasCursor = replay.lastId?.split(".")[0] === cursors.liveCursor;
  return hasMoved && !hasCursor ? formatCursorEvent(cursors.liveCursor) : "";
}
