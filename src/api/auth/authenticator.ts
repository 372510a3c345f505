/** Authentication: finds out who sends a request. `Auth` decides what the caller may do. */
import type { Context } from "hono";
import { decode } from "hono/utils/jwt/jwt";
import { networkOf } from "../../realtime/access/ip-address.ts";
import type { RealtimeError } from "../../realtime/errors.ts";
import { type Logger, MAX_IDENTITY, MAX_RIGHTS, type Principal } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { RateLimit } from "../middleware/rate-limit.ts";
import { addressOf, type Runtime } from "../runtime.ts";
import { copyInfo, copyRecord } from "./auth-record.ts";
import { CONTROL_CHARACTER, type Identity } from "./claims.ts";
import { readCredential } from "./credentials.ts";
import { refuseRemoteDevelopmentKey } from "./development-key.ts";
import { hasErrorCode } from "./errors.ts";
import { FailedCredentials } from "./failed-credentials.ts";
import { createIntrospection } from "./introspection.ts";
import { createTokenVerifier, type VerifyToken } from "./jwt.ts";
import type { AuthSettings } from "./settings.ts";

/** What `Auth` and `Authenticator` need besides the user's settings. */
export interface AuthOptions extends AuthSettings {
  readonly runtime: Runtime;
  /** Origins of the pages that may send the cookie. */
  readonly origins: readonly string[];
  /** The wall clock, in milliseconds since 1970. */
  readonly now: () => Milliseconds;
  /** A clock that is never set back. */
  readonly monotonicNow: () => Milliseconds;
  readonly logger: Logger;
  /** Limits how often each network makes the service ask the introspection endpoint. */
  readonly introspectionLimit: RateLimit;
  /** Refused credentials per second and network; 0 is no limit. */
  readonly failuresPerSecond: number;
}

/** The sender of a request, with the sender's rights. */
export interface AuthenticatedCaller {
  /** The user, with the rights to subscribe. */
  readonly principal: Principal;
  /** Patterns of the topics that the user may publish to. */
  readonly publish: readonly string[];
  /** Whether the request carries the admin key. */
  readonly isAdmin: boolean;
}

/** The identity of the admin key. No user can have it: a subject must not contain a tab. */
const ADMIN_IDENTITY = "admin\tkey";

/** Identifies callers by the admin key, by a token, or with the app's own `authenticate`. */
export class Authenticator {
  readonly #options: AuthOptions;
  readonly #verifiers: readonly VerifyToken[];
  readonly #failures: FailedCredentials;
  #hasWarnedOfAddress = false;

  constructor(options: AuthOptions) {
    this.#options = options;
    const { failuresPerSecond, logger, monotonicNow } = options;
    this.#failures = new FailedCredentials(failuresPerSecond, logger, monotonicNow);
    this.#verifiers = createVerifiers(options);
  }

  /** Whether a verifier for tokens is configured. */
  get acceptsTokens(): boolean {
    return this.#verifiers.length > 0;
  }

  /** How many credentials this process has refused as wrong. Expired tokens do not count. */
  get refusedCredentialCount(): number {
    return this.#failures.total;
  }

  /** The client's network address, if it is known. Logs a warning once if the host app does not pass the address on. */
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

  /**
   * Identifies the caller of a request. A request without a credential is a guest's. An invalid credential is refused: the
   * caller is never downgraded to a guest. The one exception: a server without token verifiers ignores unknown credentials,
   * which may be meant for a proxy or another service.
   *
   * @param needsCredential Whether the calling code refuses guests. If so, an unknown credential counts as a failure, also on a
   *   server without token verifiers. Default false.
   * @throws RealtimeError `unknown_token`, `refused_token`, `unavailable`, `not_allowed` or `invalid_input` for the
   *   credential; `too_many_requests` when too many credentials from this network were refused, or when this network has
   *   reached `introspectionLimit`. Errors of the app's `authenticate` pass.
   */
  async identify(c: Context, needsCredential = false): Promise<AuthenticatedCaller> {
    const ip = this.addressOf(c);
    // Read before the first `await`, because a revocation that arrives during verification must cover this credential.
    const receivedAt = this.#options.now();
    const credential = this.#readCredential(c, ip);
    const canFail = this.acceptsTokens || needsCredential;
    if (credential !== undefined && canFail) this.#failures.check(ip, credential);
    if (credential !== undefined && this.#isAdminKey(c, credential)) {
      refuseRemoteDevelopmentKey(c, credential);
      this.#failures.succeeded(ip, credential);
      const admin = { identity: ADMIN_IDENTITY, rights: ["*"], isAdmin: true };
      return { principal: { ip, ...admin, issuedAt: receivedAt }, publish: ["*"], isAdmin: true };
    }
    const identity = await this.#identityOf(c, ip, credential);
    if (credential !== undefined && canFail) {
      if (identity !== undefined) this.#failures.succeeded(ip, credential);
      else if (needsCredential) this.#failures.failed(ip);
    }
    const {
      subject,
      subscribe = [],
      publish = [],
      record,
      info,
      issuedAt,
      expiresAt,
    } = identity ?? {};
    const principal = {
      ip,
      identity: subject,
      info,
      rights: subscribe,
      auth: record ?? (subject === undefined ? undefined : { id: subject }),
      issuedAt: issuedAt ?? receivedAt,
      expiresAt,
    };
    return { principal, publish, isAdmin: false };
  }

  /** Whether a request was refused because the `exp` of its token has passed. */
  isExpiredTokenError(error: unknown, c: Context): error is RealtimeError {
    const isRefusal = hasErrorCode(error, "refused_token") || hasErrorCode(error, "unknown_token");
    if (!isRefusal) return false;
    try {
      return hasExpired(readCredential(c, this.#options) ?? "", this.#options.now());
    } catch {
      return false;
    }
  }

  /** Without token verifiers, a malformed credential is ignored: it is meant for another service. */
  #readCredential(c: Context, ip: string | undefined): string | undefined {
    if (this.#options.adminKey === undefined && !this.acceptsTokens) return undefined;
    try {
      return readCredential(c, this.#options);
    } catch (error) {
      if (!this.acceptsTokens) return undefined;
      if (hasErrorCode(error, "unknown_token")) this.#failures.failed(ip);
      throw error;
    }
  }

  /** The admin key counts only in `Authorization`: any page can make a browser send a cookie, and URLs are logged. */
  #isAdminKey(c: Context, credential: string): boolean {
    const { adminKey } = this.#options;
    if (adminKey === undefined || !c.req.header("Authorization")) return false;
    return isSecret(credential, adminKey);
  }

  async #identityOf(
    c: Context,
    ip: string | undefined,
    credential: string | undefined,
  ): Promise<Identity | undefined> {
    const { authenticate } = this.#options;
    if (authenticate !== undefined) {
      const identified = await authenticate(c);
      if (identified === undefined) return undefined;
      if (typeof identified === "string") return checkIdentity({ subject: identified });
      const { subject, record, info } = checkIdentity(identified);
      return {
        ...identified,
        record: record === undefined ? undefined : copyRecord(record, subject),
        info: info === undefined ? undefined : copyInfo(info),
      };
    }
    if (credential === undefined || !this.acceptsTokens) return undefined;
    return this.#verify(credential, ip);
  }

  /** The first verifier that recognises the token decides. */
  async #verify(token: string, ip: string | undefined): Promise<Identity> {
    const { introspectionLimit, now } = this.#options;
    const onAsk = () => {
      if (ip !== undefined) introspectionLimit(networkOf(ip));
    };
    let failure: unknown;
    for (const verify of this.#verifiers) {
      try {
        return checkIdentity(await verify(token, onAsk));
      } catch (error) {
        failure = error;
        if (!hasErrorCode(error, "unknown_token")) break;
      }
    }
    const isRefusal =
      hasErrorCode(failure, "unknown_token") || hasErrorCode(failure, "refused_token");
    // An expired token is normal for a client that was away. It is not an attempt to guess.
    if (isRefusal && !hasExpired(token, now())) this.#failures.failed(ip);
    throw failure;
  }
}

/** The verifier with keys is first, because introspection costs a request to the issuer for each new token. */
function createVerifiers({ tokens, introspection, runtime }: AuthOptions): VerifyToken[] {
  const { isOneProcess } = runtime;
  const verifiers: VerifyToken[] = [];
  if (tokens !== undefined) verifiers.push(createTokenVerifier(tokens, isOneProcess));
  if (introspection !== undefined) {
    verifiers.push(createIntrospection({ ...introspection, isOneProcess }));
  }
  return verifiers;
}

/** @throws Error when `authenticate` or a verifier returns an identity that can't be stored. */
function checkIdentity(identity: Identity): Identity {
  const { subject, subscribe = [], publish = [] } = identity;
  if (subject === "" || subject.length > MAX_IDENTITY || CONTROL_CHARACTER.test(subject)) {
    throw new Error(
      `The subject of an identity must have 1 to ${MAX_IDENTITY} characters and no control character; this one has ${subject.length} characters.`,
    );
  }
  if (subscribe.length > MAX_RIGHTS || publish.length > MAX_RIGHTS) {
    throw new Error(`An identity may have at most ${MAX_RIGHTS} patterns of rights.`);
  }
  return identity;
}

/**
 * Compares in constant time: the time depends on the length of `given` alone. (Hono's `timingSafeEqual` hashes both strings,
 * which adds about 200 microseconds to a publish. Node's function of that name accepts only values of the same length.)
 */
function isSecret(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length;
  for (let index = 0; index < given.length; index++) {
    difference |= given.charCodeAt(index) ^ secret.charCodeAt(index % secret.length);
  }
  return difference === 0;
}

/** Whether the unverified `exp` of a JSON Web Token has passed. False for a token of another kind. */
function hasExpired(token: string, now: Milliseconds): boolean {
  try {
    const { exp } = decode(token).payload;
    return typeof exp === "number" && exp * 1000 <= now;
  } catch {
    return false;
  }
}
