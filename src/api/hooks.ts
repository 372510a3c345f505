import type { Context } from "hono";
import type { PublishInput } from "../realtime/message.ts";
import type { CloseReason, MaybePromise } from "../realtime/types.ts";

/** The client or caller that a hook is called for. */
export interface HookSubject {
  /** Network address; undefined when the runtime does not know it. */
  readonly ip: string | undefined;
  /** The user's id (`subject` of `Identity`); undefined for a guest. With the admin key it is an id that no user can have. */
  readonly identity: string | undefined;
}

/** The event of `onConnect`. */
export interface ConnectHookEvent extends HookSubject {
  readonly clientId: string;
  /** The subscription keys of the request (`?topic=`), or the keys that `onSubscribe` has returned for it. */
  readonly subscriptions: readonly string[];
}

/** The event of `onSubscribe`. */
export interface SubscribeHookEvent extends HookSubject {
  /** Undefined when a client connects with keys (`?topic=`), and when the history is read. */
  readonly clientId: string | undefined;
  readonly subscriptions: readonly string[];
}

/** The event of `onMessage`. */
export interface PublishHookEvent extends HookSubject {
  /** Whether the message was published with the admin key. */
  readonly isAdmin: boolean;
  /** The message, already validated. */
  readonly message: PublishInput;
}

/** The event of `onDisconnect`. */
export interface DisconnectHookEvent {
  readonly clientId: string;
  readonly reason: CloseReason;
}

/**
 * Functions of the embedding app that check or change requests, on every runtime. A hook refuses a request by throwing a
 * `RealtimeError` (`not_allowed` is 403) or Hono's `HTTPException`. With status 429, 502, 503 or 504 the client of a stream is
 * asked to reconnect; any other status ends an EventSource for good.
 *
 * The hooks resemble PocketBase's OnRealtimeConnectRequest, OnRealtimeSubscribeRequest and OnRealtimeMessageSend
 * (core/app.go). The main difference is that `onMessage` runs once for each published message, not once for each client. Hooks
 * don't run for what the app itself publishes (`RealtimeServer.publish`, `RealtimeManager.sendEvent`).
 *
 * @example
 * ```ts
 * createServer({
 *   hooks: {
 *     onSubscribe: ({ identity, subscriptions }) => {
 *       if (identity === undefined) throw new RealtimeError("not_allowed", "Sign in first.");
 *       return subscriptions.filter((key) => !key.startsWith("internal/"));
 *     },
 *   },
 * });
 * ```
 */
export interface Hooks {
  /** Runs before anything is written to the client. May refuse the stream. */
  readonly onConnect?: (event: ConnectHookEvent, c: Context) => MaybePromise<void>;
  /**
   * Runs when subscriptions are set, when a client connects with keys, and when the history is read. The hook may refuse the
   * request, or return other keys, which are validated. Rights were already checked for the keys of the request, and are not
   * checked for the returned keys.
   */
  readonly onSubscribe?: (
    event: SubscribeHookEvent,
    c: Context,
    // biome-ignore lint/suspicious/noConfusingVoidType: a hook that changes nothing returns nothing
  ) => MaybePromise<readonly string[] | void>;
  /**
   * Runs for each published message, after the right to publish was checked. The hook may return another message. This message
   * is validated, and the right to publish it is checked. If the hook throws, the whole batch is refused.
   */
  readonly onMessage?: (
    event: PublishHookEvent,
    c: Context,
    // biome-ignore lint/suspicious/noConfusingVoidType: a hook that changes nothing returns nothing
  ) => MaybePromise<PublishInput | void>;
  /** Runs when a stream has ended, for any reason. An error that it throws is logged. */
  readonly onDisconnect?: (event: DisconnectHookEvent) => MaybePromise<void>;
}
