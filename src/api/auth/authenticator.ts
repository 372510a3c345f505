import type { Context } from "hono";
import { decodeJwt } from "jose";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { type Logger, MAX_IDENTITY, MAX_RIGHTS, type Principal } from "../../realtime/types.ts";
import type { RateLimit } from "../middleware/rate-limit.ts";
import { addressOf, type Runtime } from "../runtime.ts";
import { readCredential } from "./credentials.ts";
import { refuseRemoteDevelopmentKey } from "./development-key.ts";
import { hasErrorCode } from "./errors.ts";
import { FailedCredentials } from "./failed-credentials.ts";
import { createIntrospection } from "./introspection.ts";
import { CONTROL_CHARACTER, createTokenVerifier, type Identity, type VerifyToken } from "./jwt.ts";
import type { AuthSettings } from "./settings.ts";

export interface AuthOptions extends AuthSettings {
  readonly runtime: Runtime;
  readonly origins: readonly string[];
  readonly now: () => number;
  readonly monotonicNow: () => number;
  readonly logger: Logger;
  /** How often one network may have the introspection endpoint asked. */
  readonly introspectionLimit: RateLimit;
  /** Refused credentials a second that one network may have; 0 is no limit. */
  readonly failuresPerSecond: number;
}

/** Who sends a request, and what they may do. */
export interface AuthenticatedCaller {
  /** With the rights to subscribe. */
  readonly principal: Principal;
  /** Patterns of topics. */
  readonly publish: readonly string[];
  readonly isAdmin: boolean;
}

/** The identity of a holder of the admin key. No user has it, since a subject holds no tab. */
const ADMIN_IDENTITY = "admin\tkey";

/** Finds out who sends a request: by the admin key, a token, or the embedding app's `authenticate`. */
export class Authenticator {
  readonly #options: AuthOptions;
  readonly #verifiers: readonly VerifyToken[];
  readonly #failures: FailedCredentials;
  #hasWarnedOfAddress = false;

  constructor(options: AuthOptions) {
    this.#options = options;
    const { failuresPerSecond, logger, monotonicNow } = options;
    this.#failures = new FailedCredentials(failuresPerSecond, logger, monotonicNow);
    const { tokens, introspection } = options;
    this.#verifiers = [
      ...(tokens === undefined ? [] : [createTokenVerifier(tokens)]),
      ...(introspection === undefined
        ? []
        : [createIntrospection({ ...introspection, isOneProcess: options.runtime.isOneProcess })]),
    ];
  }

  /** Whether anything here can verify a token. */
  get acceptsTokens(): boolean {
    return this.#verifiers.length > 0;
  }

  /** Where a request comes from. */
  addressOf(c: Context): string | undefined {
    const { runtime, trustedProxyHeader, logger } = this.#options;
    const missing = this.#hasWarnedOfAddress ? undefined : runtime.missing?.(c);
    if (missing !== undefined) {
      this.#hasWarnedOfAddress = true;
      const effect = "limits by address and the same-address check are off";
      logger.warn("the client's address is unknown", { effect, instruction: missing });
    }
    return addressOf(c, runtime, trustedProxyHeader);
  }

  /** How many credentials this process has refused. */
  get refusedCredentialCount(): number {
    return this.#failures.total;
  }

  /**
   * @param isGuarded Whether a guest is refused here, so that a credential that is not known fails. Elsewhere, where
   *   nothing knows tokens, such a credential is ignored.
   * @throws RealtimeError when a credential was sent that does not count (the caller is never downgraded to a guest), or
   *   `too_many_requests` when too many from its network did not.
   */
  async identify(c: Context, isGuarded = false): Promise<AuthenticatedCaller> {
    const { authenticate, adminKey } = this.#options;
    const ip = this.addressOf(c);
    // Read before anything is awaited, so that a revocation that comes meanwhile covers this credential.
    const askedAt = this.#options.now();
    const knowsTokens = this.acceptsTokens;
    // Where there is nothing to compare it with, a credential is meant for another service: a proxy, PocketBase.
    const isRead = adminKey !== undefined || knowsTokens;
    const credential = isRead ? this.#readCredential(c, ip, knowsTokens) : undefined;
    const canFail = knowsTokens || isGuarded;
    if (credential !== undefined && canFail) this.#failures.check(ip, credential);
    // The admin key counts in the header only: cookies are sent by pages, and addresses end up in logs.
    const isHeader = Boolean(c.req.header("Authorization"));
    if (credential !== undefined && isHeader && this.#isAdminKey(credential)) {
      refuseRemoteDevelopmentKey(c, credential);
      this.#failures.succeeded(ip, credential);
      const principal = { ip, identity: ADMIN_IDENTITY, rights: ["*"], issuedAt: askedAt };
      return { principal, publish: ["*"], isAdmin: true };
    }
    const identity =
      authenticate !== undefined
        ? this.#checkIdentity(await authenticate(c))
        : credential === undefined || !knowsTokens
          ? undefined
          : await this.#verify(credential, ip);
    if (credential !== undefined && canFail) {
      if (identity !== undefined) this.#failures.succeeded(ip, credential);
      else if (isGuarded) this.#failures.failed(ip);
    }
    const { subject, subscribe = [], publish = [], issuedAt, expiresAt } = identity ?? {};
    const principal = {
      ...{ ip, identity: subject, rights: subscribe, expiresAt },
      issuedAt: issuedAt ?? askedAt,
    };
    return { principal, publish, isAdmin: false };
  }

  /** Whether an error is about a token that says itself that it has expired. Such a token gives a guest's rights only. */
  isExpiredTokenError(error: unknown, c: Context): boolean {
    if (!hasErrorCode(error, "refused_token") && !hasErrorCode(error, "unknown_token"))
      return false;
    try {
      return hasExpired(readCredential(c, this.#options) ?? "", this.#options.now());
    } catch {
      return false;
    }
  }

  #readCredential(c: Context, ip: string | undefined, knowsTokens: boolean): string | undefined {
    // Where no tokens are configured, a header that is no token is meant for another service.
    try {
      return readCredential(c, this.#options);
    } catch (error) {
      if (!knowsTokens) return undefined;
      if (hasErrorCode(error, "unknown_token")) this.#failures.failed(ip);
      throw error;
    }
  }

  #isAdminKey(credential: string): boolean {
    const { adminKey } = this.#options;
    return adminKey !== undefined && isSecret(credential, adminKey);
  }

  /** The first verifier that recognises the token decides. */
  async #verify(token: string, ip: string | undefined): Promise<Identity> {
    const { introspectionLimit } = this.#options;
    const onAsk = () => {
      if (ip !== undefined) introspectionLimit(networkOf(ip));
    };
    let unknown: unknown;
    for (const verify of this.#verifiers) {
      try {
        return this.#checkIdentity(await verify(token, onAsk)) as Identity;
      } catch (error) {
        unknown = error;
        if (!hasErrorCode(error, "unknown_token")) break;
      }
    }
    const isRefusal =
      hasErrorCode(unknown, "unknown_token") || hasErrorCode(unknown, "refused_token");
    // A client with an old token is usual, and does not guess.
    if (isRefusal && !hasExpired(token, this.#options.now())) this.#failures.failed(ip);
    throw unknown;
  }

  #checkIdentity(answer: string | Identity | undefined): Identity | undefined {
    if (answer === undefined) return undefined;
    const identity = typeof answer === "string" ? { subject: answer } : answer;
    const { subject, subscribe = [], publish = [] } = identity;
    if (subject === "" || subject.length > MAX_IDENTITY || CONTROL_CHARACTER.test(subject)) {
      throw new Error(
        `An identity has ${subject.length} characters; 1 to ${MAX_IDENTITY} can be kept, none of them control characters.`,
      );
    }
    if (subscribe.length > MAX_RIGHTS || publish.length > MAX_RIGHTS) {
      throw new Error(`An identity has more than ${MAX_RIGHTS} patterns of rights.`);
    }
    return identity;
  }
}

/**
 * Compares in constant time: it looks at every character of what was given, so the time depends on the length of that alone.
 * (Hono's and Node's comparisons hash both strings first, which adds about 200 microseconds to a publish.)
 */
function isSecret(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length;
  for (let index = 0; index < given.length; index++) {
    difference |= given.charCodeAt(index) ^ secret.charCodeAt(index % secret.length);
  }
  return difference === 0;
}

/** Whether a JSON Web Token says itself that it has expired. False for a token of another kind. */
function hasExpired(token: string, now: number): boolean {
  try {
    const { exp } = decodeJwt(token);
    return typeof exp === "number" && exp * 1000 <= now;
  } catch {
    return false;
  }
}
