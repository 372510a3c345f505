import { nanoid } from "nanoid";
import { type Cursor, formatCursor, parseCursor } from "../cursor.ts";
import type { LogReader, StartPosition } from "../types.ts";
import type { ClientReplay } from "./client-replay.ts";

/** The properties of a client that determine its position in the log. */
export interface PositionedClient {
  /** The start position of the client's first subscriptions, while the client has none. */
  start: StartPosition | undefined;
  /** The client's replay. Undefined for a live client. */
  replay: ClientReplay | undefined;
}

/** Determines from which cursor a client can resume, and parses the cursors that clients send. */
export class ResumeCursors {
  /** The cursor of the newest message that was delivered to live clients. "" while there is no log. Set by the manager. */
  liveCursor = "";
  #log: Pick<LogReader, "hasReached"> | undefined;

  /** Sets the log that checks the cursors. */
  readFrom(log: Pick<LogReader, "hasReached">): void {
    this.#log = log;
  }

  /** The parsed `liveCursor`. Undefined while there is no log. */
  get live(): Cursor | undefined {
    return parseCursor(this.liveCursor);
  }

  /** The sequence of `live`. 0 while there is no log. */
  get liveSequence(): number {
    return this.live?.sequence ?? 0;
  }

  /**
   * Parses the cursor in an event id, and returns the same position in the current epoch. Undefined when the id names no position
   * that this log has reached. The history may have lost the messages after the position. Only a read from the log shows this.
   */
  parseEventId(eventId: string): Cursor | undefined {
    const live = this.live;
    const cursor = parseCursor(eventId);
    if (live === undefined || cursor === undefined) return undefined;
    if (this.#log?.hasReached(cursor) !== true || cursor.sequence > live.sequence) return undefined;
    return { ...cursor, epoch: live.epoch };
  }

  /** The cursor of the position that a client has reached. Undefined while no cursor can name this position. */
  cursorOf({ replay, start }: PositionedClient): string | undefined {
    const live = this.live;
    if (live === undefined) return undefined;
    if (replay !== undefined) {
      return replay.resumePosition && formatCursor({ ...live, ...replay.resumePosition });
    }
    if (start?.lastEventId !== undefined) {
      const cursor = this.parseEventId(start.lastEventId);
      return cursor && formatCursor(cursor);
    }
    return start?.last ? undefined : formatCursor(live);
  }

  /** Creates a unique id for an event that is not in the log. It contains the client's cursor, if there is one. */
  createEventId(client: PositionedClient): string {
    const cursor = this.cursorOf(client);
    return cursor === undefined ? nanoid() : `${cursor}.${nanoid()}`;
  }
}
