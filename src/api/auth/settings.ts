import type { Context } from "hono";
import type { IntrospectionOptions } from "./introspection.ts";
import type { Identity, TokenOptions } from "./jwt.ts";

/**
 * Says who sends a request, in place of tokens: the id of the user (at most 1,024 characters), or an `Identity` with rights and
 * an end; undefined for a guest. Throw Hono's HTTPException to refuse the request. With 429, 502,
 * 503 or 504 a stream is asked to come back: any other status ends an EventSource for good.
 */
export type Authenticate = (
  c: Context,
) => string | Identity | undefined | Promise<string | Identity | undefined>;

/** What a caller wants to do. */
export interface AccessRequest {
  readonly action: "subscribe" | "publish";
  /** A topic; to subscribe, also `prefix/*` or `*`. */
  readonly topic: string;
  /** Undefined is a guest. */
  readonly identity: string | undefined;
  readonly context: Context;
}

/**
 * Says whether a caller may subscribe to a topic, with the private messages in it, or publish to it, in place of rights in
 * tokens. A refusal is a 403. It is called when a subscription is set, and for each message that is published without the
 * admin key; not for each delivery.
 */
export type Authorize = (access: AccessRequest) => boolean | Promise<boolean>;

/** How credentials are found and what they are worth. */
export interface AuthSettings {
  /** Opens publishing and administration to requests that send it. 16 to 255 visible ASCII characters. Default: both stay closed. */
  readonly adminKey?: string | undefined;
  /** Says who sends a request, in place of tokens. Default: the token says it, and without a token it is a guest. */
  readonly authenticate?: Authenticate | undefined;
  /** Says what a caller may do, in place of rights in tokens. */
  readonly authorize?: Authorize | undefined;
  /** How JSON Web Tokens are verified. Default: they are not, and no token counts. */
  readonly tokens?: TokenOptions | undefined;
  /** An endpoint that is asked about tokens that no local key can verify. Default: none. */
  readonly introspection?: IntrospectionOptions | undefined;
  /** Name of a cookie that carries a token. Default: none. */
  readonly cookie?: string | undefined;
  /** Whether GET takes a token as `?token=`. Default false: addresses end up in logs. */
  readonly queryToken?: boolean | undefined;
  /** What guests may do: subscribe to everything that is not private (default), or only sign in within 30 s. */
  readonly anonymous?: "subscribe" | "none" | undefined;
  /** Header in which the proxy, through which every request comes, puts the client's address. Default: none is trusted. */
  readonly trustedProxyHeader?: string | undefined;
}
