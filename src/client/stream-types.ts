import type { KeyOptions } from "./key.ts";
import type { Send } from "./requests.ts";
import type { TokenStore } from "./token.ts";
import type { ConnectOptions, RealtimeClientError, Status } from "./types.ts";

/** An event of the stream: its data, parsed, and its id. */
export type OnEvent = (data: unknown, id: string) => void;

/** Callbacks of a stream. */
export interface StreamListener {
  /** @param clientId Id of the stream at the service, while connected. */
  onStatus(status: Status, clientId?: string): void;
  onGap(): void;
  /** @param refused The listeners of the subscriptions that the service refuses. The stream no longer has these subscriptions. */
  onError(error: RealtimeClientError, refused?: ReadonlySet<OnEvent>): void;
  /**
   * The position of the stream has moved without a message, or the service has accepted the subscriptions.
   *
   * @param hasAll Whether the service has all subscriptions now.
   */
  onProgress?(hasAll: boolean): void;
}

/** A stream of this page (`Stream`), or a stream of all tabs (`SharedStream`). */
export interface StreamLike {
  /** Adds a subscription. @returns a function that removes the subscription. */
  add(topic: string, options: KeyOptions, onEvent: OnEvent): () => void;
  /** Opens a new connection, which resumes: the token has changed, or the network has. */
  reconnect(): void;
  /** Sends the subscriptions again, with the current token. */
  renew(): void;
  /** The page may have slept. Reconnects unless the connection is known to be alive. */
  wake(): void;
  close(): void;
}

/**
 * One stream with all subscriptions. The stream connects when there is a subscription, sets the subscriptions by POST, and
 * resumes from the cursor when it reconnects.
 */
export interface Stream extends StreamLike {
  readonly status: Status;
  /** The position of the stream: the id of the last event that a stream can resume from. */
  readonly cursor: string;
  readonly clientId: string | undefined;
  /** @param hasBegun Whether the subscription began on another stream. It then resumes from the cursor of `rewind`. */
  add(topic: string, options: KeyOptions, onEvent: OnEvent, hasBegun?: boolean): () => void;
  /** Opens a new connection, which resumes from a cursor. */
  rewind(cursor: string): void;
}

/** Settings of a stream. */
export interface StreamSettings {
  /** Address of the service's `/api/realtime`. */
  readonly api: string;
  readonly withCredentials: boolean;
  readonly EventSource: NonNullable<ConnectOptions["EventSource"]>;
  readonly send: Send;
  readonly token: TokenStore;
}
