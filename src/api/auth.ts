import type { Context, MiddlewareHandler } from "hono";
import { networkOf } from "../realtime/address.ts";
import { RealtimeError } from "../realtime/errors.ts";
import { compileRights } from "../realtime/rights.ts";
import { MAX_IDENTITY, MAX_RIGHTS, type Peer } from "../realtime/types.ts";
import { readCredential } from "./credentials.ts";
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
 * Throw Hono's HTTPException to refuse the request.
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
  /** How often one network may have somebody asked about tokens. */
  readonly limitAsks: RateLimit;
}

/** Who sends a request, and what they may. */
export interface Caller {
  /** With the rights to subscribe. */
  readonly peer: Peer;
  /** Patterns of topics. */
  readonly publish: readonly string[];
  readonly isAdmin: boolean;
}

/** In which time a guest must sign in, where guests may do nothing else: milliseconds. */
const SIGN_IN_TIMEOUT = 30_000;

/** Whoever holds the admin key; nobody else can be called that, since a subject has no tab. */
const ADMIN_IDENTITY = "admin\tkey";

/** The one place that says who a request is and what it may. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #verifiers: readonly VerifyToken[];

  constructor(options: AuthOptions) {
    this.#options = options;
    const { tokens, introspection } = options;
    this.#verifiers = [
      ...(tokens === undefined ? [] : [createTokenVerifier(tokens)]),
      ...(introspection === undefined ? [] : [createIntrospection(introspection)]),
    ];
  }

  /** Where a request comes from. */
  addressOf(c: Context): string | undefined {
    const { runtime, trustedProxyHeader } = this.#options;
    return addressOf(c, runtime, trustedProxyHeader);
  }

  /** @throws RealtimeError when a credential was sent that does not count: it is never taken for none. */
  async identify(c: Context): Promise<Caller> {
    const { authenticate, adminKey } = this.#options;
    const ip = this.addressOf(c);
    const knowsTokens = this.#verifiers.length > 0;
    // Where there is nothing to compare it with, a credential is for somebody else: a proxy, PocketBase.
    const isRead = adminKey !== undefined || knowsTokens;
    const credential = isRead ? this.#read(c, knowsTokens) : undefined;
    // From nowhere else: cookies are sent by pages, and addresses end up in logs.
    const isHeader = Boolean(c.req.header("Authorization"));
    if (credential !== undefined && isHeader && this.#isAdminKey(credential)) {
      const peer = { ip, identity: ADMIN_IDENTITY, rights: ["*"], issuedAt: this.#options.now() };
      return { peer, publish: ["*"], isAdmin: true };
    }
    const identity =
      authenticate !== undefined
        ? this.#checked(await authenticate(c))
        : credential === undefined || !knowsTokens
          ? undefined
          : await this.#verify(credential, ip);
    const { subject, subscribe = [], publish = [], issuedAt, expiresAt } = identity ?? {};
    const peer = {
      ...{ ip, identity: subject, rights: subscribe, expiresAt },
      issuedAt: issuedAt ?? this.#options.now(),
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
    const { anonymous, authorize, now } = this.#options;
    const { peer, isAdmin } = await this.identify(c);
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
    const { isAdmin, peer } = await this.identify(c);
    if (isAdmin) return next();
    if (peer.identity !== undefined) throw notAllowed("administer; that takes the admin key");
    throw wrongKey(true);
  };

  #read(c: Context, knowsTokens: boolean): string | undefined {
    // A header that is no token is for somebody else, where there are no tokens.
    try {
      return readCredential(c, this.#options);
    } catch (error) {
      if (knowsTokens) throw error;
      return undefined;
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
        if (!(error instanceof RealtimeError) || error.code !== "unknown_token") throw error;
        unknown = error;
      }
    }
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
