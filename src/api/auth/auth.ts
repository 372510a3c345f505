/** Authorisation: decides what a request may do. `Authenticator` finds out who sends it. */
import type { Context, MiddlewareHandler } from "hono";
import { compileRights } from "../../realtime/access/rights.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Principal } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { type AuthenticatedCaller, Authenticator, type AuthOptions } from "./authenticator.ts";
import {
  adminKeyError,
  adminOnlyError,
  noAdminKeyError,
  notAllowedError,
  notSignedInError,
  publisherError,
} from "./errors.ts";
import type { AccessRequest } from "./settings.ts";

/** The caller of a request that sets a stream's subscriptions. */
export interface SubscribeAuthorization {
  readonly principal: Principal;
  /** Set when the request's token has expired. Throw it unless the stream belongs to a guest. */
  readonly expiredTokenError?: RealtimeError;
}

/** Time in which a guest must sign in, with `anonymous: "none"`. After it and `authGrace`, the guest's stream ends. */
const SIGN_IN_TIMEOUT: Milliseconds = 30_000;

/** Authorises streams, subscriptions, publishing and administration. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #authenticator: Authenticator;
  /** Callers that `authenticateBeforeBody` has found. Hono's own variables belong to the host app. */
  readonly #callers = new WeakMap<Context, AuthenticatedCaller>();

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#authenticator = new Authenticator(options);
  }

  /** Whether guests may only open a stream and sign in (`anonymous: "none"`). */
  get guestsMustSignIn(): boolean {
    return this.#options.anonymous === "none";
  }

  /** How many credentials this process has refused. */
  get refusedCredentialCount(): number {
    return this.#authenticator.refusedCredentialCount;
  }

  /** The client's network address, if it is known. */
  addressOf(c: Context): string | undefined {
    return this.#authenticator.addressOf(c);
  }

  /** See `Authenticator.identify`. */
  identify(c: Context, needsCredential = false): Promise<AuthenticatedCaller> {
    return this.#authenticator.identify(c, needsCredential);
  }

  /** Whether a credential has expired since it was verified. */
  isExpired({ expiresAt }: Principal): boolean {
    return expiresAt !== undefined && expiresAt <= this.#options.now();
  }

  /**
   * Authorises a new stream. With `anonymous: "none"`, a guest may open a stream without subscriptions. If the guest does not
   * sign in within 30 seconds, the stream ends after `authGrace`.
   *
   * @param topics The topics of the subscription keys, without options.
   * @returns the caller. The caller's rights decide which private messages of the topics the stream receives.
   * @throws RealtimeError `not_signed_in`, `not_allowed`, and the errors of `identify`.
   */
  async authorizeConnect(c: Context, topics: readonly string[]): Promise<Principal> {
    return this.#authorizeTopics(c, await this.#currentCaller(c), topics, true);
  }

  /** As `authorizeConnect`, for a request that subscribes or reads. With `anonymous: "none"`, every guest is refused. */
  async authorizeSubscribe(c: Context, topics: readonly string[]): Promise<Principal> {
    return this.#authorizeTopics(c, await this.#currentCaller(c), topics, false);
  }

  /**
   * As `authorizeSubscribe`, for the POST that sets a stream's subscriptions. A request with an expired token is authorised as
   * a guest's request.
   *
   * The SDK opens its stream without a token. If the POST that follows got 401, the SDK would open streams without end.
   * PocketBase also treats a request with an expired token as a guest's (apis/middlewares.go, `loadAuthToken`).
   */
  async authorizeSetSubscriptions(
    c: Context,
    topics: readonly string[],
  ): Promise<SubscribeAuthorization> {
    let expiredTokenError: RealtimeError;
    try {
      const principal = await this.authorizeSubscribe(c, topics);
      if (!this.isExpired(principal)) return { principal };
      expiredTokenError = new RealtimeError(
        "refused_token",
        "This credential has expired. Sign in again.",
      );
    } catch (error) {
      if (!this.#authenticator.isExpiredTokenError(error, c)) throw error;
      expiredTokenError = error;
    }
    const guest = {
      principal: { ip: this.addressOf(c), issuedAt: this.#options.now() },
      isAdmin: false,
    };
    // A guest who must sign in keeps the stream, without subscriptions.
    const allowed = this.guestsMustSignIn ? [] : topics;
    return { principal: await this.#authorizeTopics(c, guest, allowed, true), expiredTokenError };
  }

  /**
   * Authenticates before the body is read, so that an invalid credential is refused early. An expired token passes:
   * `authorizeSetSubscriptions` decides about it.
   */
  readonly authenticateBeforeBody: MiddlewareHandler = async (c, next) => {
    try {
      this.#callers.set(c, await this.identify(c));
    } catch (error) {
      if (!this.#authenticator.isExpiredTokenError(error, c)) throw error;
    }
    return next();
  };

  /** @throws RealtimeError when the caller may publish to no topic. With `authorize`, `authorizePublish` decides instead. */
  assertMayPublish({ principal, publish, isAdmin }: AuthenticatedCaller): void {
    const { adminKey, authorize, authenticate } = this.#options;
    if (isAdmin || authorize !== undefined) return;
    if (principal.identity !== undefined) {
      if (publish.length === 0) throw notAllowedError("publish");
      return;
    }
    const canSignIn = this.#authenticator.acceptsTokens || authenticate !== undefined;
    if (adminKey === undefined && !canSignIn) throw noAdminKeyError();
    throw publisherError(adminKey !== undefined, canSignIn);
  }

  /** @throws RealtimeError `not_allowed` for the first topic that the caller may not publish to. */
  async authorizePublish(
    c: Context,
    caller: AuthenticatedCaller,
    topics: readonly string[],
  ): Promise<void> {
    if (caller.isAdmin) return;
    const { authorize } = this.#options;
    const rights = compileRights(caller.publish);
    for (const topic of topics) {
      const isAllowed =
        authorize === undefined
          ? rights.covers(topic)
          : await authorize(accessRequest(c, "publish", topic, caller.principal));
      if (!isAllowed) throw notAllowedError(`publish to ${JSON.stringify(topic)}`);
    }
  }

  /** Middleware that only the admin key passes. Guests get 401, and users 403. All get 403 if the server has no admin key. */
  readonly requireAdmin: MiddlewareHandler = async (c, next) => {
    if (this.#options.adminKey === undefined) throw noAdminKeyError();
    const { isAdmin, principal } = await this.identify(c, true);
    if (isAdmin) return next();
    if (principal.identity === undefined) throw adminKeyError();
    throw adminOnlyError();
  };

  /** The caller that `authenticateBeforeBody` has found, unless the credential has expired since then. */
  async #currentCaller(c: Context): Promise<AuthenticatedCaller> {
    const known = this.#callers.get(c);
    return known === undefined || this.isExpired(known.principal) ? this.identify(c) : known;
  }

  async #authorizeTopics(
    c: Context,
    { principal, isAdmin }: Pick<AuthenticatedCaller, "principal" | "isAdmin">,
    topics: readonly string[],
    mayWaitForSignIn: boolean,
  ): Promise<Principal> {
    const { authorize, now } = this.#options;
    if (principal.identity === undefined && this.guestsMustSignIn) {
      if (!mayWaitForSignIn || topics.length > 0) throw notSignedInError("subscribe");
      // The SDKs sign in with their first POST.
      return { ...principal, expiresAt: now() + SIGN_IN_TIMEOUT };
    }
    if (authorize === undefined || isAdmin) return principal;
    for (const topic of topics) {
      if (await authorize(accessRequest(c, "subscribe", topic, principal))) continue;
      throw notAllowedError(`subscribe to ${JSON.stringify(topic)}`);
    }
    // `authorize` has allowed each topic, private messages included.
    return { ...principal, rights: ["*"] };
  }
}

function accessRequest(
  context: Context,
  action: AccessRequest["action"],
  topic: string,
  { identity }: Principal,
): AccessRequest {
  return { action, topic, identity, context };
}
