/** A remote JSON Web Key Set (RFC 7517), fetched and cached. */
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { JWKSNoMatchingKey } from "jose/errors";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { tokensUnavailableError } from "./errors.ts";
import { readLimited } from "./read-limited.ts";
import { redactError, redactURL } from "./redact-url.ts";

/** How long a fetched set is used. */
const MAX_AGE: Milliseconds = 600_000;

/** The age from which a set is fetched again for an unknown key id. */
const MIN_AGE: Milliseconds = 10_000;

/** How long a failure is reused. Every request with a token would otherwise fetch a set that can't be loaded. */
const FAILURE_AGE: Milliseconds = 1000;

/** The timeout of a fetch. */
const TIMEOUT: Milliseconds = 5000;

const MAX_KEY_SET_BYTES: Bytes = 256 * 1024;

/** A result, and when it was obtained, by both clocks. The monotonic clock may stand still while a machine is suspended. */
interface Dated<T> {
  readonly value: T;
  readonly monotonicTime: Milliseconds;
  readonly wallTime: Milliseconds;
}

/**
 * Creates the function that finds a token's key in the set at `url`.
 *
 * The function throws RealtimeError `unavailable` when the set can't be fetched, and jose's errors for the token.
 *
 * @param isOneProcess Whether requests may wait for a fetch of another request. On Workers, I/O ends with its request.
 */
export function createRemoteKeySet(url: string, isOneProcess: boolean): JWTVerifyGetKey {
  const load = createLoader(() => fetchKeySet(url), isOneProcess);
  return async (header, token) => {
    try {
      const findKey = await load(MAX_AGE);
      return await findKey(header, token);
    } catch (error) {
      if (!(error instanceof JWKSNoMatchingKey)) throw error;
      const findKey = await load(MIN_AGE);
      return findKey(header, token);
    }
  };
}

/** Makes the function that returns the fetched set, or fetches it if it has reached the given age. */
function createLoader(
  fetchNow: () => Promise<JWTVerifyGetKey>,
  isOneProcess: boolean,
): (maxAge: Milliseconds) => Promise<JWTVerifyGetKey> {
  let loaded: Dated<JWTVerifyGetKey> | undefined;
  let failure: Dated<unknown> | undefined;
  let pending: Promise<JWTVerifyGetKey> | undefined;
  const fetchAndCache = async () => {
    try {
      const value = await fetchNow();
      loaded = dated(value);
      return value;
    } catch (error) {
      failure = dated(error);
      throw error;
    } finally {
      pending = undefined;
    }
  };
  return async (maxAge) => {
    if (loaded !== undefined && isYounger(loaded, maxAge)) return loaded.value;
    if (failure !== undefined && isYounger(failure, FAILURE_AGE)) throw failure.value;
    if (!isOneProcess) return fetchAndCache();
    pending ??= fetchAndCache();
    return pending;
  };
}

function dated<T>(value: T): Dated<T> {
  return { value, monotonicTime: performance.now(), wallTime: Date.now() };
}

/** A negative age shows that the wall clock was set back. The real age is unknown in this case, so the result is false. */
function isYounger({ monotonicTime, wallTime }: Dated<unknown>, age: Milliseconds): boolean {
  const wallAge = Date.now() - wallTime;
  return wallAge >= 0 && wallAge < age && performance.now() - monotonicTime < age;
}

/** @throws RealtimeError `unavailable`. */
async function fetchKeySet(url: string): Promise<JWTVerifyGetKey> {
  try {
    const response = await fetch(url, {
      headers: { Accept: "application/json, application/jwk-set+json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status !== 200) throw new Error(`${redactURL(url)} answered ${response.status}`);
    return createLocalJWKSet(JSON.parse(await readLimited(response, MAX_KEY_SET_BYTES)));
  } catch (error) {
    throw tokensUnavailableError(redactError(error, url));
  }
}
