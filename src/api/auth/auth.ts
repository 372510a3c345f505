import type { Context, MiddlewareHandler } from "hono";
import { compileRights } from "../../realtime/access/rights.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Principal } from "../../realtime/types.ts";
import { type AuthenticatedCaller, Authenticator, type AuthOptions } from "./authenticator.ts";
import { adminKeyError, noAdminKeyError, notAllowedError, notSignedInError } from "./errors.ts";

/** The caller who sets the subscriptions of a stream. */
export interface SubscribeAuthorization {
  readonly principal: Principal;
  /** The error about the token that was sent, if that token has ended. */
  readonly expiredTokenError?: RealtimeError;
}

/** Milliseconds in which a guest must sign in, where guests may do nothing else. */
const SIGN_IN_TIMEOUT = 30_000;

/** Decides what a request may do. `Callers` finds out who sends it. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #authenticator: Authenticator;
  /** Not a variable of the context: an app that this is mounted in has variables of its own there. */
  readonly #callers = new WeakMap<Context, AuthenticatedCaller>();

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#authenticator = new Authenticator(options);
  }

  /** Whether guests may neither subscribe nor read. */
  get guestsMustSignIn(): boolean {
    return this.#options.anonymous === "none";
  }

  /** Where a request comes from. */
  addressOf(c: Context): string | undefined {
    return this.#authenticator.addressOf(c);
  }

  /** How many credentials this process has refused. */
  get refusedCredentialCount(): number {
    return this.#authenticator.refusedCredentialCount;
  }

  /** As `Callers.identify`. */
  identify(c: Context, isGuarded = false): Promise<AuthenticatedCaller> {
    return this.#authenticator.identify(c, isGuarded);
  }

  /**
   * Checks that the caller may hold a stream, or set subscriptions, with these keys. Answers with the rights to them.
   *
   * @param topics The topics of the keys, without options.
   * @throws RealtimeError `not_signed_in`, `not_allowed`.
   */
  async authorizeSubscribe(
    c: Context,
    topics: readonly string[],
    isStream = false,
  ): Promise<Principal> {
    return this.#authorizeTopics(c, await this.#currentCaller(c), topics, isStream);
  }

  /**
   * As `toSubscribe`, for a POST to a stream. With a token that has ended it answers a guest, and `ended`: the error to throw
   * unless the stream is a guest's.
   *
   * The SDK opens its stream without a token. If the POST that follows got 401, the SDK would open another stream, and so
   * on for ever. PocketBase takes an ended token for a guest's as well (apis/middlewares.go, `loadAuthToken`).
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
      expiredTokenError = error as RealtimeError;
    }
    const { now } = this.#options;
    const guest = { principal: { ip: this.addressOf(c), issuedAt: now() }, isAdmin: false };
    // Where guests may do nothing but sign in, the stream waits for that, without subscriptions.
    const asked = this.guestsMustSignIn ? [] : topics;
    return { principal: await this.#authorizeTopics(c, guest, asked, true), expiredTokenError };
  }

  async #authorizeTopics(
    c: Context,
    { principal, isAdmin }: Pick<AuthenticatedCaller, "principal" | "isAdmin">,
    topics: readonly string[],
    isStream: boolean,
  ): Promise<Principal> {
    const { anonymous, authorize, now } = this.#options;
    if (principal.identity === undefined && anonymous === "none") {
      if (!isStream || topics.length > 0) throw notSignedInError("subscribe");
      // It may sign in by its first POST, as the SDKs do.
      return { ...principal, expiresAt: now() + SIGN_IN_TIMEOUT };
    }
    if (authorize === undefined || isAdmin) return principal;
    for (const topic of topics) {
      const access = {
        action: "subscribe",
        topic,
        identity: principal.identity,
        context: c,
      } as const;
      if (!(await authorize(access)))
        throw notAllowedError(`subscribe to ${JSON.stringify(topic)}`);
    }
    // `authorize` has allowed each of the keys.
    return { ...principal, rights: ["*"] };
  }

  /** Refuses a credential that does not count before anything of the body is read. What to do with an ended token depends on the stream. */
  readonly authenticateBeforeBody: MiddlewareHandler = async (c, next) => {
    try {
      this.#callers.set(c, await this.identify(c));
    } catch (error) {
      if (!this.#authenticator.isExpiredTokenError(error, c)) throw error;
    }
    return next();
  };

  /** The caller that `identifyFirst` has found, unless its credential has ended meanwhile. */
  async #currentCaller(c: Context): Promise<AuthenticatedCaller> {
    const known = this.#callers.get(c);
    return known === undefined || this.isExpired(known.principal) ? this.identify(c) : known;
  }

  /** Whether a credential has ended since it was looked at. */
  isExpired({ expiresAt }: Principal): boolean {
    return expiresAt !== undefined && expiresAt <= this.#options.now();
  }

  /** @throws RealtimeError for a caller who may publish to no topic at all. */
  assertMayPublish({ principal, publish, isAdmin }: AuthenticatedCaller): void {
    const { adminKey, authorize, authenticate } = this.#options;
    if (isAdmin || authorize !== undefined) return;
    if (principal.identity !== undefined) {
      if (publish.length === 0) throw notAllowedError("publish");
      return;
    }
    if (
      adminKey === undefined &&
      !this.#authenticator.acceptsTokens &&
      authenticate === undefined
    ) {
      throw noAdminKeyError();
    }
    throw adminKeyError(adminKey !== undefined);
  }

  /** @throws RealtimeError `not_allowed` for the first topic that the caller has no right to publish to. */
  async authorizePublish(
    c: Context,
    caller: AuthenticatedCaller,
    topics: readonly string[],
  ): Promise<void> {
    const { authorize } = this.#options;
    const { principal, publish, isAdmin } = caller;
    if (isAdmin) return;
    const rights = compileRights(publish);
    for (const topic of topics) {
      const access = {
        action: "publish",
        topic,
        identity: principal.identity,
        context: c,
      } as const;
      const isAllowed = authorize === undefined ? rights.covers(topic) : await authorize(access);
      if (!isAllowed) throw notAllowedError(`publish to ${JSON.stringify(topic)}`);
    }
  }

  /** Lets holders of the admin key through. Others get 401, or 403 where no admin key is configured. */
  readonly requireAdmin: MiddlewareHandler = async (c, next) => {
    if (this.#options.adminKey === undefined) throw noAdminKeyError();
    const { isAdmin, principal } = await this.identify(c, true);
    if (isAdmin) return next();
    if (principal.identity !== undefined)
      throw notAllowedError("administer; that takes the admin key");
    throw adminKeyError(true);
  };
}
