import type { MessageContents } from "../records/message-contents.ts";
import type { CloseReason, FrameSink, Logger } from "../types.ts";
import type { ReplayReader } from "./replay-reader.ts";
import type { PositionedClient, ResumeCursors } from "./resume-cursors.ts";

/** The properties of a client that its replay uses. */
export interface ReplayClient extends PositionedClient, ReplayReader {
  readonly clientId: string;
  readonly sink: FrameSink;
  /**
   * Whether the replay is paused: a page is being read, the client's sink must drain, or other work runs. The replay continues
   * by itself. With a sink that does not call back (`FrameSink.onDrain`), `ReplayCoordinator.proceed` continues it.
   */
  awaitingDrain: boolean;
}

/** What `ReplayCoordinator` needs from the manager (`ManagerCore`). */
export interface ReplayHost<Client extends ReplayClient> {
  readonly logger: Logger | undefined;
  readonly cursors: ResumeCursors;
  readonly contents: MessageContents;
  readonly isConnected: (client: Client) => boolean;
  readonly remove: (client: Client, reason: CloseReason) => void;
  /** Called when the client has received all messages that were delivered to live clients. The client is live from now on. */
  readonly onLive: (client: Client) => void;
}
