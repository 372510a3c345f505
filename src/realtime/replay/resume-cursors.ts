import { nanoid } from "nanoid";
import { type Cursor, formatCursor, parseCursor } from "../cursor.ts";
import type { StartPosition } from "../types.ts";
import type { ClientReplay } from "./client-replay.ts";

/** A client as far as the position that it has reached is concerned. */
export interface PositionedClient {
  /** Where the client's first subscriptions will start, while it has none. */
  start: StartPosition | undefined;
  /** The client's replay. Undefined for a live client. */
  replay: ClientReplay | undefined;
}

/** Tells from which cursor a client can resume, and reads the cursors that clients send. */
export class ResumeCursors {
  /** The cursor of the newest message that the live clients have been given; "" before there is a log. Set by the manager. */
  liveCursor = "";

  /** `liveCursor`, parsed; undefined before there is a log. */
  get live(): Cursor | undefined {
    return parseCursor(this.liveCursor);
  }

  /** The sequence of `live`; 0 before there is a log. */
  get liveSequence(): number {
    return this.live?.sequence ?? 0;
  }

  /**
   * The cursor in an event id; undefined when the id names no position that this log has reached. The history may have lost the
   * messages after the position: only reading them shows that.
   */
  parseEventId(eventId: string): Cursor | undefined {
    const live = this.live;
    const cursor = parseCursor(eventId);
    if (live === undefined || cursor === undefined) return undefined;
    const isOfThisLog = cursor.shard === live.shard && cursor.epoch === live.epoch;
    return isOfThisLog && cursor.sequence <= live.sequence ? cursor : undefined;
  }

  /** The cursor of the position that a client has reached; undefined while no cursor can name that position. */
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

  /** A unique id for an event outside the log. A client that resumes from it misses nothing. */
  createEventId(client: PositionedClient): string {
    const cursor = this.cursorOf(client);
    return cursor === undefined ? nanoid() : `${cursor}.${nanoid()}`;
  }
}
