/** A remote JSON Web Key Set (RFC 7517), fetched and cached. */

import { isObject } from "../../realtime/is-object.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { tokensUnavailableError } from "./errors.ts";
import { fulfilled, importPublicKey } from "./import-key.ts";
import { readLimited } from "./read-limited.ts";
import { redactError, redactURL } from "./redact-url.ts";
import type { TokenAlgorithm } from "./token-options.ts";

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
 * Finds the keys of a set that can verify a token with this algorithm and key id (`kid`, undefined if the token has none).
 *
 * @throws RealtimeError `unavailable` when the set can't be used.
 */
export type FindKeys = (algorithm: TokenAlgorithm, id: unknown) => Promise<readonly CryptoKey[]>;

/**
 * Creates the function that finds a token's keys in the set at `url`.
 *
 * @param isOneProcess Whether requests may wait for a fetch of another request. On Workers, I/O ends with its request.
 */
export function createRemoteKeySet(url: string, isOneProcess: boolean): FindKeys {
  const load = createLoader(() => fetchKeySet(url), isOneProcess);
  return async (algorithm, id) => {
    const set = await load(MAX_AGE);
    if (set.has(algorithm, id)) return set.find(algorithm, id);
    const newer = await load(MIN_AGE);
    return newer.find(algorithm, id);
  };
}

/** A key of a set. Only the members that are read are listed. */
type SetKey = JsonWebKey & { readonly kid?: unknown };

/** A fetched set. */
class KeySet {
  readonly #keys: readonly SetKey[];
  readonly #imported = new Map<string, Promise<readonly CryptoKey[]>>();

  /** @throws Error when the value is not a set of keys. */
  constructor(value: unknown) {
    const keys: unknown = isObject(value) ? value.keys : undefined;
    if (!Array.isArray(keys) || !keys.every(isObject)) throw new Error("The key set is malformed.");
    this.#keys = keys;
  }

  has(algorithm: TokenAlgorithm, id: unknown): boolean {
    return this.#candidates(algorithm, id).length > 0;
  }

  /** @throws RealtimeError `unavailable` when a key that fits is private. */
  async find(algorithm: TokenAlgorithm, id: unknown): Promise<readonly CryptoKey[]> {
    const candidates = this.#candidates(algorithm, id);
    if (candidates.some((key) => "d" in key)) {
      throw tokensUnavailableError(new Error("The key set has a private key."));
    }
    if (candidates.length === 0) return [];
    // Only ids of the set become names here, so the map stays small.
    const name = JSON.stringify([algorithm, id]);
    const known = this.#imported.get(name);
    if (known !== undefined) return known;
    const imported = fulfilled(
      candidates.map((key) => importPublicKey(materialOf(key), algorithm)),
    );
    this.#imported.set(name, imported);
    return imported;
  }

  #candidates(algorithm: TokenAlgorithm, id: unknown): SetKey[] {
    return this.#keys.filter(
      ({ kid, kty, alg = algorithm, use = "sig", key_ops: operations = ["verify"] }) =>
        (id === undefined || (typeof id === "string" && id === kid)) &&
        kty === keyType(algorithm) &&
        alg === algorithm &&
        use === "sig" &&
        Array.isArray(operations) &&
        operations.includes("verify"),
    );
  }
}

/** The `kty` of the keys for an algorithm (RFC 7518, section 6.1; RFC 8037, section 2). */
function keyType(algorithm: TokenAlgorithm): string {
  const name = algorithm.slice(0, 2);
  return name === "ES" ? "EC" : name === "Ed" ? "OKP" : "RSA";
}

/** The members of a public key without those that `#candidates` has checked. Runtimes differ in what they accept of these. */
function materialOf({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  const members = Object.entries({ kty, crv, x, y, n, e });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** Makes the function that returns the fetched set, or fetches it if it has reached the given age. */
function createLoader(
  fetchNow: () => Promise<KeySet>,
  isOneProcess: boolean,
): (maxAge: Milliseconds) => Promise<KeySet> {
  let loaded: Dated<KeySet> | undefined;
  let failure: Dated<unknown> | undefined;
  let pending: Promise<KeySet> | undefined;
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
async function fetchKeySet(url: string): Promise<KeySet> {
  try {
    const response = await fetch(url, {
      headers: { Accept: "application/json, application/jwk-set+json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status !== 200) throw new Error(`${redactURL(url)} answered ${response.status}`);
    return new KeySet(JSON.parse(await readLimited(response, MAX_KEY_SET_BYTES)));
  } catch (error) {
    throw tokensUnavailableError(redactError(error, url));
  }
}
