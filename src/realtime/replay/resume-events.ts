import { formatCursorEvent, formatSSEMessage } from "../sse.ts";
import type { ClientReplay } from "./client-replay.ts";
import type { PositionedClient, ResumeCursors } from "./resume-cursors.ts";

/** Formats PB_RESUME for a client that has missed messages which can't be replayed. */
export function formatUnrecovered(id: string): string {
  return formatSSEMessage({ event: "PB_RESUME", data: { recovered: false }, id });
}

/**
 * Formats the event after the last message of a replay. A client that asked to resume receives PB_RESUME. Any other client
 * receives PB_CURSOR with the cursor of the live clients. For such a client the result is "" if it already has this cursor,
 * or if `ReplayState.hasMoved` is false.
 *
 * @param client The client after the end of its replay: `client.replay` is undefined.
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
