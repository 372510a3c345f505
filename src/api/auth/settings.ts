import type { Context } from "hono";
import type { Identity } from "./claims.ts";
import type { IntrospectionOptions } from "./introspection.ts";
import type { TokenOptions } from "./token-options.ts";

/**
 * Identifies the user of a request, in place of tokens. Return the user's id (at most 1,024 characters), an `Identity` with
 * rights and an expiry, or undefined for a guest.
 *
 * Throw Hono's HTTPException to refuse the request. If a request that opens a stream is refused with 429, 502, 503 or 504, the
 * client is asked to reconnect. An `EventSource` gives up for good at any other status.
 *
 * @example
 * createServer({ authenticate: async (c) => (await readSession(c))?.userId });
 */
export type Authenticate = (
  c: Context,
) => string | Identity | undefined | Promise<string | Identity | undefined>;

/** A request to subscribe or publish that `Authorize` decides about. */
export interface AccessRequest {
  readonly action: "subscribe" | "publish";
  /** A topic. For `subscribe` also `prefix/*` or `*`. */
  readonly topic: string;
  /** The user's id; undefined for a guest. */
  readonly identity: string | undefined;
  readonly context: Context;
}

/**
 * Decides whether a caller may subscribe to a topic, including its private messages, or publish to it. Replaces the rights in
 * tokens. `false` answers the request with 403.
 *
 * Runs for each topic when a client connects with topics, sets its subscriptions or reads the history, and when a request
 * publishes a message. Does not run for requests with the admin key, for `RealtimeServer.publish`, or for deliveries.
 *
 * @example
 * createServer({ authorize: ({ topic, identity }) => topic === `users/${identity}` });
 */
export type Authorize = (access: AccessRequest) => boolean | Promise<boolean>;

/** How callers are identified, and what they may do. */
export interface AuthSettings {
  /**
   * Key that opens publishing and administration. 16 to 255 visible ASCII characters. Default: no key. Administration is then
   * closed, and publishing needs a user with the right to publish, or `authorize`.
   */
  readonly adminKey?: string | undefined;
  /** Identifies users in place of tokens. Default: tokens identify users, and a request without a token is a guest's. */
  readonly authenticate?: Authenticate | undefined;
  /** Decides what callers may do, in place of the rights in tokens. */
  readonly authorize?: Authorize | undefined;
  /** How JSON Web Tokens are verified. Default: no JSON Web Token is accepted. */
  readonly tokens?: TokenOptions | undefined;
  /** Endpoint that is asked about tokens that no local key can verify. Default: none. */
  readonly introspection?: IntrospectionOptions | undefined;
  /** Name of a cookie that carries a token. Default: none. */
  readonly cookie?: string | undefined;
  /** Whether GET accepts a token as `?token=`. Default false, because URLs are logged. */
  readonly queryToken?: boolean | undefined;
  /**
   * What guests may do. `subscribe` (default): subscribe to all topics, without their private messages. `none`: only
   * open a stream. If the guest does not sign in within 30 seconds, the stream ends after `authGrace`.
   */
  readonly anonymous?: "subscribe" | "none" | undefined;
  /**
   * Header in which your proxy sends the client's address. Set it only if every request passes that proxy. Otherwise clients
   * could forge the header. Default: no header is trusted.
   */
  readonly trustedProxyHeader?: string | undefined;
}
