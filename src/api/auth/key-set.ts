/** A remote JSON Web Key Set (RFC 7517), fetched and cached. */
import {
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from "jose";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { tokensUnavailableError } from "./errors.ts";
import { readLimited } from "./read-limited.ts";
import { redactError, redactURL } from "./redact-url.ts";

/** jose's options. All times are milliseconds. */
const JWKS_OPTIONS = {
  /** How long a fetched set is used. */
  cacheMaxAge: 600_000,
  /** The shortest time between two fetches for unknown key ids. */
  cooldownDuration: 10_000,
  /** The timeout of a fetch. */
  timeoutDuration: 5000,
};

/** How long a response is reused, whether the fetch succeeded or failed. */
const RESPONSE_REUSE: Milliseconds = 1000;

/** By how much the wall clock may drift from the monotonic clock before the drift counts as a step. */
const MIN_CLOCK_STEP: Milliseconds = 1000;

const MAX_KEY_SET_BYTES: Bytes = 256 * 1024;

/**
 * Creates the function that finds a token's key in the set at `url`.
 *
 * The function throws RealtimeError `unavailable` when the set can't be fetched.
 */
export function createRemoteKeySet(url: string): JWTVerifyGetKey {
  const options = { ...JWKS_OPTIONS, [customFetch]: cacheBriefly(fetchKeySet) };
  return renewOnClockStep(() => createRemoteJWKSet(new URL(url), options));
}

/** Replaces jose's fetch. A failed fetch throws `unavailable`, so that it is not reported as an invalid token. */
const fetchKeySet: FetchImplementation = async (url, options) => {
  try {
    const response = await fetch(url, options);
    if (response.status !== 200) throw new Error(`${redactURL(url)} answered ${response.status}`);
    return new Response(await readLimited(response, MAX_KEY_SET_BYTES));
  } catch (error) {
    throw tokensUnavailableError(redactError(error, url));
  }
};

/**
 * Reuses the last response, and also the last failure, for a second. While the set can't be loaded, every request with a
 * token would otherwise fetch it: jose's own cooldown starts only after a successful fetch. Requests that arrive during a fetch
 * start their own fetch, because on Workers a request must not wait for I/O of another request.
 */
function cacheBriefly(fetch: FetchImplementation): FetchImplementation {
  let last:
    | { readonly until: number; readonly text?: string; readonly error?: unknown }
    | undefined;
  return async (url, options) => {
    if (last === undefined || performance.now() >= last.until) {
      const result = await fetch(url, options)
        .then(async (response) => ({ text: await response.text() }))
        .catch((error: unknown) => ({ error }));
      last = { ...result, until: performance.now() + RESPONSE_REUSE };
    }
    if (last.text === undefined) throw last.error;
    return new Response(last.text);
  };
}

/**
 * Discards the cached key set when the wall clock is set. jose measures the age of a set by the wall clock. After the clock is
 * set back, jose would use the old set until the clock has caught up.
 */
function renewOnClockStep(create: () => JWTVerifyGetKey): JWTVerifyGetKey {
  const readOffset = () => Date.now() - performance.now();
  let offset = readOffset();
  let keySet = create();
  return (...parameters) => {
    const current = readOffset();
    if (Math.abs(current - offset) > MIN_CLOCK_STEP) {
      offset = current;
      keySet = create();
    }
    return keySet(...parameters);
  };
}
