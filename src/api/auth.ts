import type { Context, MiddlewareHandler } from "hono";
import { decodeJwt } from "jose";
import { networkOf } from "../realtime/address.ts";
import { RealtimeError, type RealtimeErrorCode } from "../realtime/errors.ts";
import { compileRights } from "../realtime/rights.ts";
import { type Logger, MAX_IDENTITY, MAX_RIGHTS, type Peer } from "../realtime/types.ts";
import { readCredential } from "./credentials.ts";
import { refuseForeignPageWithDevelopmentKey } from "./development-key.ts";
import { FailedCredentials } from "./failed-credentials.ts";
import { createIntrospection, type IntrospectionOptions } from "./introspection.ts";
import { addressOf, type Runtime } from "./peer.ts";
import type { RateLimit } from "./rate-limit.ts";
import {
  CONTROL,
  createTokenVerifier,
  type Identity,
  type TokenOptions,
  type VerifyToken,
} from "./tokens.ts";

/**
 * Who sends a request, by the embedding app's own lights: an id of the user, of at most 1,024 characters, or all there
 * is to say of them; undefined for a guest. It takes the place of tokens.
 * Throw Hono's HTTPException to refuse the request. With 429, 502, 503 or 504 a stream is asked to come back: any other
 * status ends an EventSource for good.
 */
export type Authenticate = (
  c: Context,
) => string | Identity | undefined | Promise<string | Identity | undefined>;

/** What somebody wants to do. */
export interface Access {
  readonly action: "subscribe" | "publish";
  /** A topic; to subscribe, also `prefix/*` or `*`. */
  readonly topic: string;
  /** Undefined is a guest. */
  readonly identity: string | undefined;
  readonly context: Context;
}

/**
 * Whether somebody may subscribe to a topic, with the private messages in it, or publish to it. It takes the place of
 * rights in tokens; refusal is a 403. Asked when a subscription is set, and for each message that is published without
 * the admin key; not for each delivery.
 */
export type Authorize = (access: Access) => boolean | Promise<boolean>;

/** How credentials are found and what they are worth. */
export interface AuthSettings {
  /** Opens publishing and administration to whoever sends it. Default: administration stays closed. */
  readonly adminKey?: string | undefined;
  /** Who sends a request, in the place of tokens. Default: whoever the token says, or a guest. */
  readonly authenticate?: Authenticate | undefined;
  /** What they may, in the place of rights in tokens. */
  readonly authorize?: Authorize | undefined;
  /** How JSON Web Tokens are verified. Default: none counts. */
  readonly tokens?: TokenOptions | undefined;
  /** Whom to ask about tokens that can't be verified here. Default: nobody. */
  readonly introspection?: IntrospectionOptions | undefined;
  /** Name of a cookie that carries a token. Default: none. */
  readonly cookie?: string | undefined;
  /** Whether GET takes a token as `?token=`. Default false: addresses end up in logs. */
  readonly queryToken?: boolean | undefined;
  /** What guests may: subscribe to everything that is not private (default), or nothing but sign in within 30 s. */
  readonly anonymous?: "subscribe" | "none" | undefined;
  /** Header in which a proxy, through which every request comes, says whose it is. Default: none is believed. */
  readonly trustedProxyHeader?: string | undefined;
}

interface AuthOptions extends AuthSettings {
  readonly runtime: Runtime;
  readonly origins: readonly string[];
  readonly now: () => number;
  readonly monotonicNow: () => number;
  readonly logger: Logger;
  /** How often one network may have somebody asked about tokens. */
  readonly limitAsks: RateLimit;
  /** Credentials refused a second that one network may have; 0 is no limit. */
  readonly failuresPerSecond: number;
}

/** Who sends a request, and what they may. */
export interface Caller {
  /** With the rights to subscribe. */
  readonly peer: Peer;
  /** Patterns of topics. */
  readonly publish: readonly string[];
  readonly isAdmin: boolean;
}

/** Who sets the subscriptions of a stream. */
export interface Subscriber {
  readonly peer: Peer;
  /** Set when a token was sent that has ended. */
  readonly ended?: RealtimeError;
}

/** In which time a guest must sign in, where guests may do nothing else: milliseconds. */
const SIGN_IN_TIMEOUT = 30_000;

/** Whoever holds the admin key; nobody else can be called that, since a subject has no tab. */
const ADMIN_IDENTITY = "admin\tkey";

/** The one place that says who a request is and what it may. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #verifiers: readonly VerifyToken[];
  readonly #failures: FailedCredentials;
  /** Not a variable of the context: an app that this is mounted in has variables of its own there. */
  readonly #callers = new WeakMap<Context, Caller>();
  #hasWarned = false;

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

  /** Whether guests may neither subscribe nor read. */
  get guestsMayOnlySignIn(): boolean {
    return this.#options.anonymous === "none";
  }

  /** Where a request comes from. */
  addressOf(c: Context): string | undefined {
    const { runtime, trustedProxyHeader, logger } = this.#options;
    const missing = this.#hasWarned ? undefined : runtime.missing?.(c);
    if (missing !== undefined) {
      this.#hasWarned = true;
      const effect = "limits by address and the same-address check are off";
      logger.warn("the client's address is unknown", { effect, instruction: missing });
    }
    return addressOf(c, runtime, trustedProxyHeader);
  }

  /** How many credentials this process has refused. */
  get refusedCredentials(): number {
    return this.#failures.total;
  }

  /**
   * @param isGuarded Whether a guest is refused here, so that a credential that is not known fails. Elsewhere, where
   *   nothing knows tokens, such a credential is ignored.
   * @throws RealtimeError when a credential was sent that does not count (the caller is never downgraded to a guest), or
   *   `too_many_requests` when too many from its network did not.
   */
  async identify(c: Context, isGuarded = false): Promise<Caller> {
    const { authenticate, adminKey } = this.#options;
    const ip = this.addressOf(c);
    // Before anything is awaited: a revocation that comes meanwhile counts for what was vouched for before it.
    const askedAt = this.#options.now();
    const knowsTokens = this.#verifiers.length > 0;
    // Where there is nothing to compare it with, a credential is for somebody else: a proxy, PocketBase.
    const isRead = adminKey !== undefined || knowsTokens;
    const credential = isRead ? this.#read(c, ip, knowsTokens) : undefined;
    const canFail = knowsTokens || isGuarded;
    if (credential !== undefined && canFail) this.#failures.check(ip, credential);
    // From nowhere else: cookies are sent by pages, and addresses end up in logs.
    const isHeader = Boolean(c.req.header("Authorization"));
    if (credential !== undefined && isHeader && this.#isAdminKey(credential)) {
      refuseForeignPageWithDevelopmentKey(c, credential);
      this.#failures.succeeded(ip, credential);
      const peer = { ip, identity: ADMIN_IDENTITY, rights: ["*"], issuedAt: askedAt };
      return { peer, publish: ["*"], isAdmin: true };
    }
    const identity =
      authenticate !== undefined
        ? this.#checked(await authenticate(c))
        : credential === undefined || !knowsTokens
          ? undefined
          : await this.#verify(credential, ip);
    if (credential !== undefined && canFail) {
      if (identity !== undefined) this.#failures.succeeded(ip, credential);
      else if (isGuarded) this.#failures.failed(ip);
    }
    const { subject, subscribe = [], publish = [], issuedAt, expiresAt } = identity ?? {};
    const peer = {
      ...{ ip, identity: subject, rights: subscribe, expiresAt },
      issuedAt: issuedAt ?? askedAt,
    };
    return { peer, publish, isAdmin: false };
  }

  /**
   * Who may hold a stream, or set subscriptions, with these keys; with the rights that they have to them.
   *
   * @param topics Those of the keys, without options.
   * @throws RealtimeError `not_signed_in`, `not_allowed`.
   */
  async toSubscribe(c: Context, topics: readonly string[], isStream = false): Promise<Peer> {
    return this.#permit(c, await this.#callerOf(c), topics, isStream);
  }

  /**
   * As `toSubscribe`, for a POST to a stream. With a token that has ended it answers a guest, and `ended`: the error to throw
   * unless the stream is a guest's.
   *
   * The SDK opens its stream without a token. If the POST that follows got 401, the SDK would open another stream, and so
   * on for ever. PocketBase takes an ended token for a guest's as well (apis/middlewares.go, `loadAuthToken`).
   */
  async toSetSubscriptions(c: Context, topics: readonly string[]): Promise<Subscriber> {
    let ended: RealtimeError;
    try {
      const peer = await this.toSubscribe(c, topics);
      if (!this.hasEnded(peer)) return { peer };
      ended = new RealtimeError("refused_token", "This credential has expired. Sign in again.");
    } catch (error) {
      if (!this.#isOfEndedToken(error, c)) throw error;
      ended = error as RealtimeError;
    }
    const { now } = this.#options;
    const guest = { peer: { ip: this.addressOf(c), issuedAt: now() }, isAdmin: false };
    // Where guests may do nothing but sign in, the stream waits for that, without subscriptions.
    const asked = this.guestsMayOnlySignIn ? [] : topics;
    return { peer: await this.#permit(c, guest, asked, true), ended };
  }

  async #permit(
    c: Context,
    { peer, isAdmin }: Pick<Caller, "peer" | "isAdmin">,
    topics: readonly string[],
    isStream: boolean,
  ): Promise<Peer> {
    const { anonymous, authorize, now } = this.#options;
    if (peer.identity === undefined && anonymous === "none") {
      if (!isStream || topics.length > 0) throw notSignedIn("subscribe");
      // It may sign in by its first POST, as the SDKs do.
      return { ...peer, expiresAt: now() + SIGN_IN_TIMEOUT };
    }
    if (authorize === undefined || isAdmin) return peer;
    for (const topic of topics) {
      const access = { action: "subscribe", topic, identity: peer.identity, context: c } as const;
      if (!(await authorize(access))) throw notAllowed(`subscribe to ${JSON.stringify(topic)}`);
    }
    // Each of its keys was allowed, and it has no others.
    return { ...peer, rights: ["*"] };
  }

  /** By what the token says of itself: nothing follows from it but the rights of a guest. */
  #isOfEndedToken(error: unknown, c: Context): boolean {
    if (!isOfCode(error, "refused_token") && !isOfCode(error, "unknown_token")) return false;
    try {
      return hasExpired(readCredential(c, this.#options) ?? "", this.#options.now());
    } catch {
      return false;
    }
  }

  /** Refuses a credential that does not count before anything of the body is read. What to do with an ended token depends on the stream. */
  readonly identifyFirst: MiddlewareHandler = async (c, next) => {
    try {
      this.#callers.set(c, await this.identify(c));
    } catch (error) {
      if (!this.#isOfEndedToken(error, c)) throw error;
    }
    return next();
  };

  /** The caller that `identifyFirst` has found, unless its credential has ended meanwhile. */
  async #callerOf(c: Context): Promise<Caller> {
    const known = this.#callers.get(c);
    return known === undefined || this.hasEnded(known.peer) ? this.identify(c) : known;
  }

  /** Whether a credential has ended since it was looked at. */
  hasEnded({ expiresAt }: Peer): boolean {
    return expiresAt !== undefined && expiresAt <= this.#options.now();
  }

  /** @throws RealtimeError for somebody who may publish nothing at all, whatever it is. */
  refuseToPublish({ peer, publish, isAdmin }: Caller): void {
    const { adminKey, authorize, authenticate } = this.#options;
    if (isAdmin || authorize !== undefined) return;
    if (peer.identity !== undefined) {
      if (publish.length === 0) throw notAllowed("publish");
      return;
    }
    if (adminKey === undefined && this.#verifiers.length === 0 && authenticate === undefined) {
      throw closed();
    }
    throw wrongKey(adminKey !== undefined);
  }

  /** @throws RealtimeError `not_allowed` for the first topic that the caller has no right to publish to. */
  async checkPublish(c: Context, caller: Caller, topics: readonly string[]): Promise<void> {
    const { authorize } = this.#options;
    const { peer, publish, isAdmin } = caller;
    if (isAdmin) return;
    const rights = compileRights(publish);
    for (const topic of topics) {
      const access = { action: "publish", topic, identity: peer.identity, context: c } as const;
      const isAllowed = authorize === undefined ? rights.covers(topic) : await authorize(access);
      if (!isAllowed) throw notAllowed(`publish to ${JSON.stringify(topic)}`);
    }
  }

  /** Lets only holders of the admin key through: 403 while there is none to hold, 401 without it. */
  readonly requireAdmin: MiddlewareHandler = async (c, next) => {
    if (this.#options.adminKey === undefined) throw closed();
    const { isAdmin, peer } = await this.identify(c, true);
    if (isAdmin) return next();
    if (peer.identity !== undefined) throw notAllowed("administer; that takes the admin key");
    throw wrongKey(true);
  };

  #read(c: Context, ip: string | undefined, knowsTokens: boolean): string | undefined {
    // A header that is no token is for somebody else, where there are no tokens.
    try {
      return readCredential(c, this.#options);
    } catch (error) {
      if (!knowsTokens) return undefined;
      if (isOfCode(error, "unknown_token")) this.#failures.failed(ip);
      throw error;
    }
  }

  #isAdminKey(credential: string): boolean {
    const { adminKey } = this.#options;
    return adminKey !== undefined && isSecret(credential, adminKey);
  }

  /** The first that knows it has the say. */
  async #verify(token: string, ip: string | undefined): Promise<Identity> {
    const { limitAsks } = this.#options;
    const onAsk = () => {
      if (ip !== undefined) limitAsks(networkOf(ip));
    };
    let unknown: unknown;
    for (const verify of this.#verifiers) {
      try {
        return this.#checked(await verify(token, onAsk)) as Identity;
      } catch (error) {
        unknown = error;
        if (!isOfCode(error, "unknown_token")) break;
      }
    }
    const isRefusal = isOfCode(unknown, "unknown_token") || isOfCode(unknown, "refused_token");
    // Clients with an old token are usual, and not guessing.
    if (isRefusal && !hasExpired(token, this.#options.now())) this.#failures.failed(ip);
    throw unknown;
  }

  #checked(answer: string | Identity | undefined): Identity | undefined {
    if (answer === undefined) return undefined;
    const identity = typeof answer === "string" ? { subject: answer } : answer;
    const { subject, subscribe = [], publish = [] } = identity;
    if (subject === "" || subject.length > MAX_IDENTITY || CONTROL.test(subject)) {
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
 * Looks at every character whatever it finds, so the time it takes tells of what was given only its length, and nothing
 * of the secret. (Hono's and Node's ways there take a hash of each, twice a hundred microseconds' wait for a publish.)
 */
function isSecret(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length;
  for (let index = 0; index < given.length; index++) {
    difference |= given.charCodeAt(index) ^ secret.charCodeAt(index % secret.length);
  }
  return difference === 0;
}

function isOfCode(error: unknown, code: RealtimeErrorCode): boolean {
  return error instanceof RealtimeError && error.code === code;
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

function notSignedIn(what: string): RealtimeError {
  return new RealtimeError(
    "not_signed_in",
    `Only who is signed in may ${what} here. Send a token.`,
  );
}

function notAllowed(what: string): RealtimeError {
  return new RealtimeError("not_allowed", `You have no right to ${what}.`);
}

function closed(): RealtimeError {
  return new RealtimeError(
    "not_allowed",
    "This is closed because no admin key is configured. Set REALTIME_ADMIN_KEY and start again.",
  );
}

function wrongKey(hasAdminKey: boolean): RealtimeError {
  return new RealtimeError(
    "not_signed_in",
    hasAdminKey
      ? "The admin key is missing or wrong. Send it as Authorization: Bearer <REALTIME_ADMIN_KEY>."
      : "Only who is signed in may publish here. Send a token.",
  );
}
