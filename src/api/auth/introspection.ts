/** Asks an HTTP endpoint about tokens that no local key can verify. */

import { decode } from "hono/utils/jwt/jwt";
import type { JWTPayload } from "hono/utils/jwt/types";
import { monotonicClock } from "../../realtime/clock.ts";
import type { RealtimeError } from "../../realtime/errors.ts";
import { isObject } from "../../realtime/is-object.ts";
import { setNewest } from "../../realtime/set-newest.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { type Identity, identityOf } from "./claims.ts";
import { digest } from "./digest.ts";
import { hasErrorCode, refusedTokenError, tokensUnavailableError } from "./errors.ts";
import type { VerifyToken } from "./jwt.ts";
import { readLimited } from "./read-limited.ts";
import { redactError, redactURL } from "./redact-url.ts";

/** How an introspection endpoint is asked. */
export interface IntrospectionOptions {
  /**
   * URL that gets a POST with the token in `Authorization`, without `Bearer`, as PocketBase's
   * `/api/collections/<name>/auth-refresh` expects it. With status 200, the token is accepted if the body is a JSON object with
   * valid claims and its `active`, if it has one, is true. 400, 401, 403 and 404 refuse the token. Any other status, a
   * redirect, a 200 without a JSON object, a body above 64 KiB, or no response within 5 seconds is an error: the request gets
   * 503.
   */
  readonly url: string;
  /** How long an answer is cached. Default 30,000. */
  readonly cacheTime?: Milliseconds | undefined;
  /** Whether a token without `exp` is accepted. Default false. */
  readonly allowNoExpiry?: boolean | undefined;
  /** By how much `iat` may be ahead of this clock. Default 5,000. */
  readonly clockSkew?: Milliseconds | undefined;
  /**
   * Whether requests run in one process and may wait for each other's I/O. If so, requests with the same token share one
   * question. On Workers, requests can't share a question: I/O ends with the request that started it. Default false;
   * `createServer` uses the runtime's `isOneProcess` instead.
   */
  readonly isOneProcess?: boolean | undefined;
  /** The wall clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => Milliseconds) | undefined;
  /** The clock that expires cached answers; it must never be set back. Default: `now` if set, otherwise `performance.now`. */
  readonly monotonicNow?: (() => Milliseconds) | undefined;
}

/** How long an answer of the endpoint is cached. */
export const DEFAULT_CACHE_TIME: Milliseconds = 30_000;

const TIMEOUT: Milliseconds = 5000;
const MAX_ANSWER_BYTES: Bytes = 64 * 1024;
/** Cached answers. Beyond this number, the oldest answer is dropped. */
const MAX_ANSWERS = 10_000;
/** Questions in progress that requests can share. Beyond this number, each request sends its own question. */
const MAX_PENDING = 1000;
const REFUSING_STATUSES: readonly number[] = [400, 401, 403, 404];
const UNKNOWN_TO_ISSUER = "its issuer does not recognise it";

type Answer = {
  /** Monotonic time until which the answer is used. */
  readonly until: Milliseconds;
  /** The number of the question. When answers arrive out of order, the answer to the newest question is kept. */
  readonly question: number;
} & ({ readonly identity: Identity } | { readonly refusal: RealtimeError });

/**
 * Creates a verifier that asks the endpoint, and caches accepted and refused tokens.
 *
 * The endpoint answers with `{"sub","exp"?,"iat"?,"realtime"?,"record"?}`, or with PocketBase's `{"token","record"}`. A
 * record's subject is `<collection name>/<record id>`. Where the answer has no `exp`, `iat` or `record`, the token's own
 * claims count, because the endpoint has accepted the token.
 */
export function createIntrospection(options: IntrospectionOptions): VerifyToken {
  const { cacheTime = DEFAULT_CACHE_TIME, now = Date.now, isOneProcess = false } = options;
  const monotonicNow = monotonicClock(options);
  const answers = new Map<string, Answer>();
  const pending = new Map<string, Promise<Identity>>();
  let questions = 0;
  return async (token, onAsk) => {
    // The cache keeps a hash, not the token.
    const key = await digest(token);
    const known = answers.get(key);
    if (known !== undefined && monotonicNow() < known.until) {
      if ("refusal" in known) throw known.refusal;
      if (!isExpired(known.identity, now())) return known.identity;
    }
    const shared = pending.get(key);
    if (shared !== undefined) return shared;
    onAsk?.();
    const asking = askAndCache(token, key);
    if (!isOneProcess || pending.size >= MAX_PENDING) return asking;
    pending.set(key, asking);
    return asking.finally(() => pending.delete(key));
  };

  async function askAndCache(token: string, key: string): Promise<Identity> {
    const until = monotonicNow() + cacheTime;
    questions += 1;
    const question = questions;
    const keep = (answer: Answer) => {
      if ((answers.get(key)?.question ?? 0) > question) return;
      setNewest(answers, key, answer, MAX_ANSWERS);
    };
    try {
      const identity = await ask(options, token, now());
      keep({ identity, question, until });
      return identity;
    } catch (error) {
      // A refusal is cached. A failure is not, because the next attempt may succeed.
      if (hasErrorCode(error, "refused_token")) keep({ refusal: error, question, until });
      throw error;
    }
  }
}

async function ask(
  options: IntrospectionOptions,
  token: string,
  askedAt: Milliseconds,
): Promise<Identity> {
  const { allowNoExpiry = false, clockSkew } = options;
  const claims = claimsFromAnswer(parseObject(await post(options.url, token)), token);
  if (claims.exp === undefined && !allowNoExpiry) {
    throw refusedTokenError("it has no expiry (exp)", "Set exp where the token is issued.");
  }
  const named = identityOf(claims, clockSkew);
  // Without `iat`, the token counts as issued when the endpoint was asked. An earlier revocation does not cover the token, so
  // the endpoint alone decides whether a revoked token is accepted again.
  const identity = claims.iat === undefined ? { ...named, issuedAt: askedAt } : named;
  if (isExpired(identity, askedAt)) throw refusedTokenError("it has expired");
  return identity;
}

async function post(url: string, token: string): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { Authorization: token, Accept: "application/json" },
      // A redirect would send the token to a server that is not configured.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const text = await readLimited(response, MAX_ANSWER_BYTES);
    if (REFUSING_STATUSES.includes(response.status)) throw refusedTokenError(UNKNOWN_TO_ISSUER);
    if (response.status !== 200) throw new Error(`${redactURL(url)} answered ${response.status}`);
    return text;
  } catch (error) {
    if (hasErrorCode(error, "refused_token")) throw error;
    throw tokensUnavailableError(redactError(error, url));
  }
}

function isExpired({ expiresAt }: Identity, now: Milliseconds): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

function claimsFromAnswer(answer: Record<string, unknown>, token: string): Record<string, unknown> {
  const { active, sub, exp, iat, realtime, record } = answer;
  const own = unverifiedClaims(token);
  if (active !== undefined && active !== true) throw refusedTokenError(UNKNOWN_TO_ISSUER);
  return {
    sub: sub ?? recordSubject(record),
    exp: exp ?? own.exp,
    iat: iat ?? own.iat,
    realtime: realtime ?? undefined,
    record: record ?? own.record,
  };
}

/** The subject of a PocketBase record; undefined when `record` is not one. */
function recordSubject(record: unknown): string | undefined {
  if (!isObject(record)) return undefined;
  const { id, collectionName, collectionId } = record;
  const collection = collectionName ?? collectionId;
  if (typeof id !== "string" || typeof collection !== "string") return undefined;
  if (id === "" || collection === "") return undefined;
  return `${collection}/${id}`;
}

/** The token's own claims. Use them only for a token that the endpoint has accepted. */
function unverifiedClaims(token: string): JWTPayload {
  try {
    const { payload } = decode(token);
    return isObject(payload) ? payload : {};
  } catch {
    return {};
  }
}

function parseObject(text: string): Record<string, unknown> {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  if (isObject(answer)) return answer;
  throw tokensUnavailableError("The introspection endpoint did not answer with a JSON object.");
}
