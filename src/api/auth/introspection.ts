import { decodeJwt, type JWTPayload } from "jose";
import { monotonicClock } from "../../realtime/clock.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import {
  type Identity,
  identityOf,
  refusedTokenError,
  tokensUnavailableError,
  type VerifyToken,
} from "./jwt.ts";
import { readLimited } from "./read-limited.ts";
import { redactError, redactURL } from "./redact-url.ts";

/** An endpoint that is asked about tokens. */
export interface IntrospectionOptions {
  /**
   * Gets a POST with the token in `Authorization`, bare, as PocketBase's `/api/collections/<name>/auth-refresh` does.
   * 200 accepts the token. 400, 401, 403 and 404 refuse it. Any other answer, or none, is an error (503), and the
   * token does not count.
   */
  readonly url: string;
  /** For how long an answer holds, in milliseconds. Default 30,000. */
  readonly cacheTime?: number | undefined;
  /** Whether a token may be without end. Default false. */
  readonly allowNoExpiry?: boolean | undefined;
  /** Milliseconds by which clocks may differ. Default 5,000. */
  readonly clockSkew?: number | undefined;
  /**
   * Requests share one process, so that those with one token may wait for one answer. On Workers a request must not wait
   * for I/O of another, which ends with that. Default false.
   */
  readonly isOneProcess?: boolean | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** The clock by which answers grow old, never set back. Default: `now`, and without that `performance.now`. */
  readonly monotonicNow?: (() => number) | undefined;
}

const DEFAULT_CACHE_TIME = 30_000;
const TIMEOUT = 5000;
const MAX_ANSWERS = 10_000;
/** Questions in progress that requests can share. Beyond these, each request asks for itself. */
const MAX_PENDING = 1000;
const MAX_ANSWER_BYTES = 64 * 1024;
const REFUSING_STATUSES: readonly number[] = [400, 401, 403, 404];

/** What it said once it had: on Workers a request must not wait for what another asked. */
type Answer = {
  readonly until: number;
  /** Answers may arrive in another order than they were asked for: the one that was asked for last counts. */
  readonly question: number;
} & ({ readonly identity: Identity } | { readonly refusal: RealtimeError });

/**
 * Asks an endpoint whose a token is, and remembers the answer, also a refusal, for a short time.
 *
 * The endpoint's answer is `{"sub","exp"?,"iat"?,"realtime"?}`, or PocketBase's `{"token","record"}`: then the subject is
 * `<collection name>/<record id>`. Without `exp` or `iat` the token's own count, which the endpoint has vouched for.
 * Throws as `createTokenVerifier`'s verifier does.
 */
export function createIntrospection(options: IntrospectionOptions): VerifyToken {
  const { cacheTime = DEFAULT_CACHE_TIME, now = Date.now } = options;
  const monotonicNow = monotonicClock(options);
  const answers = new Map<string, Answer>();
  let questions = 0;
  const pending = new Map<string, Promise<Identity>>();
  const remember = (key: string, answer: Answer) => {
    if ((answers.get(key)?.question ?? 0) > answer.question) return;
    answers.delete(key);
    answers.set(key, answer);
    for (const oldest of answers.keys()) {
      if (answers.size <= MAX_ANSWERS) break;
      answers.delete(oldest);
    }
  };
  return async (token, onAsk) => {
    // Tokens themselves are not kept.
    const key = await digest(token);
    const known = answers.get(key);
    if (known !== undefined && monotonicNow() < known.until) {
      if ("refusal" in known) throw known.refusal;
      if ((known.identity.expiresAt ?? Number.POSITIVE_INFINITY) > now()) return known.identity;
    }
    const shared = pending.get(key);
    if (shared !== undefined) return shared;
    onAsk?.();
    const asking = askAndRemember(token, key);
    if (options.isOneProcess !== true || pending.size >= MAX_PENDING) return asking;
    pending.set(key, asking);
    return asking.finally(() => pending.delete(key));
  };

  async function askAndRemember(token: string, key: string): Promise<Identity> {
    const until = monotonicNow() + cacheTime;
    questions += 1;
    const question = questions;
    try {
      const identity = await ask(options, token, now());
      remember(key, { identity, question, until });
      return identity;
    } catch (error) {
      // What failed may work the next time; a refusal stands.
      const isRefusal = error instanceof RealtimeError && error.code === "refused_token";
      if (isRefusal) remember(key, { refusal: error, question, until });
      throw error;
    }
  }
}

async function ask(
  { url, allowNoExpiry = false, clockSkew }: IntrospectionOptions,
  token: string,
  askedAt: number,
): Promise<Identity> {
  let text: string;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { Authorization: token, Accept: "application/json" },
      // To nobody but who was configured.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    text = await readLimited(response, MAX_ANSWER_BYTES);
    if (REFUSING_STATUSES.includes(response.status))
      throw refusedTokenError("its issuer does not know it");
    if (response.status !== 200) throw new Error(`${redactURL(url)} answered ${response.status}`);
  } catch (error) {
    throw error instanceof RealtimeError ? error : tokensUnavailableError(redactError(error, url));
  }
  const claims = claimsFromAnswer(parse(text), token);
  if (claims.exp === undefined && !allowNoExpiry) throw refusedTokenError("it has no end (exp)");
  const known = identityOf(claims, clockSkew);
  // Without a time of issue it is vouched for now, and whoever vouches has the say about revoking it.
  const identity = claims.iat === undefined ? { ...known, issuedAt: askedAt } : known;
  if ((identity.expiresAt ?? Number.POSITIVE_INFINITY) <= askedAt) {
    throw refusedTokenError("it has expired");
  }
  return identity;
}

function claimsFromAnswer(answer: Record<string, unknown>, token: string): Record<string, unknown> {
  const { active, sub, exp, iat, realtime, record } = answer;
  const own = unverifiedClaims(token);
  if (active !== undefined && active !== true)
    throw refusedTokenError("its issuer does not know it");
  return {
    sub: sub ?? recordSubject(record),
    exp: exp ?? own.exp,
    iat: iat ?? own.iat,
    realtime: realtime ?? undefined,
  };
}

function recordSubject(record: unknown): string | undefined {
  if (typeof record !== "object" || record === null) return undefined;
  const { id, collectionName, collectionId } = record as Record<string, unknown>;
  const collection = collectionName ?? collectionId;
  if (typeof id !== "string" || typeof collection !== "string") return undefined;
  if (id === "" || collection === "") return undefined;
  return `${collection}/${id}`;
}

/** What the token says of itself, which counts once somebody has vouched for it. */
function unverifiedClaims(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null) return answer as Record<string, unknown>;
  } catch {
    // As below.
  }
  throw tokensUnavailableError("the introspection endpoint answered no JSON object");
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
