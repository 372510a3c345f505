import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  errors,
  type FetchImplementation,
  importSPKI,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import * as z from "zod/mini";
import { RealtimeError } from "../../realtime/errors.ts";
import { isFieldText } from "../../realtime/sse.ts";
import { MAX_IDENTITY, MAX_RIGHTS } from "../../realtime/types.ts";
import { readLimited } from "./read-limited.ts";
import { redactError, redactURL } from "./redact-url.ts";

/** A user, and what the user may do. */
export interface Identity {
  /** The name of the user, 1 to 1,024 characters. Streams belong to it, and revocations name it. */
  readonly subject: string;
  /** Patterns of the topics whose private messages they may have, at most 100. Default: none. */
  readonly subscribe?: readonly string[] | undefined;
  /** Patterns of the topics that they may publish to, at most 100. Default: none. */
  readonly publish?: readonly string[] | undefined;
  /** When the identity was confirmed, in milliseconds since 1970. Default: now. */
  readonly issuedAt?: number | undefined;
  /** When it ends, in milliseconds since 1970. Default: never. */
  readonly expiresAt?: number | undefined;
}

/** Algorithms that can be asked for, by the kind of key they are for. Never `none`. */
export const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
export const KEY_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
export type TokenAlgorithm = (typeof SECRET_ALGORITHMS)[number] | (typeof KEY_ALGORITHMS)[number];

/** How JSON Web Tokens are verified. At least one of `secrets`, `publicKeys` and `jwksURL`. */
export interface TokenOptions {
  /** Shared secrets: any of them will do, so that they can be changed one by one. */
  readonly secrets?: readonly string[] | undefined;
  /** Public keys in PEM (SPKI): any of them. */
  readonly publicKeys?: readonly string[] | undefined;
  /** Where a JSON Web Key Set is. It is kept for ten minutes, and asked for again for a key id that it lacks. */
  readonly jwksURL?: string | undefined;
  /** Those that are accepted. Default: HS256 for secrets, RS256, ES256 and EdDSA for keys. */
  readonly algorithms?: readonly TokenAlgorithm[] | undefined;
  /** What `iss` must be. Default: anything. */
  readonly issuer?: string | undefined;
  /** What `aud` must be or contain. Default: anything. */
  readonly audience?: string | undefined;
  /** Milliseconds by which clocks may differ. Default 5,000. */
  readonly clockSkew?: number | undefined;
  /** Whether a token may be without end (`exp`). Default false. */
  readonly allowNoExpiry?: boolean | undefined;
}

const DEFAULT_ALGORITHMS: readonly TokenAlgorithm[] = ["HS256", "RS256", "ES256", "EdDSA"];
const DEFAULT_CLOCK_SKEW = 5000;

/** Milliseconds: 100 years. An `exp` beyond that is in another unit than seconds. */
const MAX_LIFETIME = 100 * 365.25 * 86_400_000;

/** Milliseconds: what a set of keys is kept for, asked for again at the earliest, and waited for. */
const JWKS = { cacheMaxAge: 600_000, cooldownDuration: 10_000, timeoutDuration: 5000 };

/** Milliseconds until a key set is asked for again, whatever came of it. */
const JWKS_REST = 1000;

const MAX_JWKS_BYTES = 256 * 1024;

const pattern = z
  .string()
  .check(z.minLength(1), z.maxLength(2500), z.refine(isFieldText, "No line break or NUL."));
const patterns = z.optional(z.array(pattern).check(z.maxLength(MAX_RIGHTS)));

/** Characters that no subject has. */
export const CONTROL_CHARACTER: RegExp = /\p{Cc}/u;

/** The claims that matter here; a token may have others. */
const claimsSchema = z.looseObject({
  sub: z.string().check(
    z.minLength(1),
    z.maxLength(MAX_IDENTITY),
    z.refine((sub) => !CONTROL_CHARACTER.test(sub)),
  ),
  iat: z.optional(z.number()),
  exp: z.optional(z.number()),
  realtime: z.optional(z.looseObject({ subscribe: patterns, publish: patterns })),
});

/** Finds the identity of a token. @param onAsk Called before an endpoint is asked; an error that it throws is passed on. */
export type VerifyToken = (token: string, onAsk?: () => void) => Promise<Identity>;

/**
 * A verifier of JSON Web Tokens (RFC 7519).
 *
 * Secrets verify only HS tokens and keys only the others, so a public key never counts as a secret.
 * The verifier throws RealtimeError `unknown_token` when no key here has signed the token, `refused_token` when one has
 * but a claim is wrong, `unavailable` when the key set can't be had.
 */
export function createTokenVerifier(options: TokenOptions): VerifyToken {
  const { issuer, audience, clockSkew = DEFAULT_CLOCK_SKEW, allowNoExpiry = false } = options;
  const allowed: readonly string[] = options.algorithms ?? DEFAULT_ALGORITHMS;
  const keys = new JwtKeys(options);
  const shared: JWTVerifyOptions = {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    clockTolerance: clockSkew / 1000,
    requiredClaims: allowNoExpiry ? ["sub"] : ["sub", "exp"],
  };
  return async (token) => {
    const algorithm = algorithmOf(token);
    if (!allowed.includes(algorithm)) throw unknownTokenError();
    for (const key of await keys.for(algorithm)) {
      const payload = await verifyWith(token, key, { ...shared, algorithms: [algorithm] });
      if (payload !== undefined) return identityOf(payload, clockSkew);
    }
    throw unknownTokenError();
  };
}

/**
 * The identity that verified claims name.
 *
 * @param clockSkew Milliseconds by which `iat` may be ahead of this clock.
 * @throws RealtimeError `refused_token` when a claim is not as it should be.
 */
export function identityOf(claims: unknown, clockSkew: number = DEFAULT_CLOCK_SKEW): Identity {
  const { data, error } = claimsSchema.safeParse(claims);
  if (data === undefined) {
    const [issue] = error.issues;
    throw refusedTokenError(`its claim ${issue?.path.join(".")} is not as it should be`);
  }
  const { sub, iat, exp, realtime } = data;
  const now = Date.now();
  // A token that was issued in the future would outlive a revocation.
  if (iat !== undefined && iat * 1000 > now + clockSkew) {
    throw refusedTokenError("its claim iat is in the future; it counts seconds since 1970");
  }
  if (exp !== undefined && exp * 1000 > now + MAX_LIFETIME) {
    throw refusedTokenError(
      "its claim exp is more than 100 years ahead; it counts seconds since 1970",
    );
  }
  return {
    subject: sub,
    subscribe: realtime?.subscribe,
    publish: realtime?.publish,
    // Without `iat`, the token counts as issued at epoch 0, so any revocation covers it.
    issuedAt: iat === undefined ? 0 : iat * 1000,
    expiresAt: exp === undefined ? undefined : exp * 1000,
  };
}

export function refusedTokenError(why: string): RealtimeError {
  return new RealtimeError("refused_token", `The token is refused: ${why}. Sign in again.`);
}

type Key = Uint8Array | CryptoKey | JWTVerifyGetKey;

/** The keys there are, by the algorithm they may be used for. */
class JwtKeys {
  readonly #secrets: readonly Uint8Array[];
  readonly #pems: readonly string[];
  readonly #remote: JWTVerifyGetKey | undefined;
  readonly #imported = new Map<string, Promise<readonly CryptoKey[]>>();

  constructor({ secrets = [], publicKeys = [], jwksURL }: TokenOptions) {
    const encoder = new TextEncoder();
    this.#secrets = secrets.map((secret) => encoder.encode(secret));
    this.#pems = publicKeys;
    if (jwksURL === undefined) return;
    const options = { ...JWKS, [customFetch]: cacheBriefly(fetchKeys) };
    this.#remote = renewOnClockStep(() => createRemoteJWKSet(new URL(jwksURL), options));
  }

  async for(algorithm: string): Promise<readonly Key[]> {
    if (algorithm.startsWith("HS")) return this.#secrets;
    let imported = this.#imported.get(algorithm);
    if (imported === undefined) {
      imported = importKeys(this.#pems, algorithm);
      this.#imported.set(algorithm, imported);
    }
    const keys: readonly Key[] = await imported;
    return this.#remote === undefined ? keys : [...keys, this.#remote];
  }
}

/**
 * Whether every public key can be read: one that can't would only make tokens unknown.
 *
 * @throws RealtimeError `invalid_config`.
 */
export async function checkPublicKeys({ publicKeys = [] }: TokenOptions): Promise<void> {
  for (const [index, pem] of publicKeys.entries()) {
    const imported = await Promise.all(KEY_ALGORITHMS.map((name) => importKeys([pem], name)));
    if (imported.flat().length > 0) continue;
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_JWT_PUBLIC_KEY: key ${index + 1} can't be read. It must be an RSA, EC or Ed25519 public key in PEM (SPKI).`,
    );
  }
}

/** Those that are of the algorithm's kind. */
async function importKeys(pems: readonly string[], algorithm: string): Promise<CryptoKey[]> {
  const keys = await Promise.allSettled(pems.map((pem) => importSPKI(pem, algorithm)));
  return keys.flatMap((key) => (key.status === "fulfilled" ? [key.value] : []));
}

/** The claims; undefined when this key did not sign it. */
async function verifyWith(
  token: string,
  key: Key,
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  try {
    const { payload } =
      typeof key === "function"
        ? await jwtVerify(token, key, options)
        : await jwtVerify(token, key, options);
    return payload;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      // The token names no key: any of those that could be it.
      for await (const candidate of error) {
        const payload = await verifyWith(token, candidate, options);
        if (payload !== undefined) return payload;
      }
      return undefined;
    }
    return explain(error);
  }
}

function explain(error: unknown): undefined {
  if (error instanceof errors.JWTExpired) throw refusedTokenError("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    throw refusedTokenError(`its claim ${error.claim} is missing or not what it must be`);
  }
  const isNotOurs =
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey;
  if (isNotOurs) return undefined;
  if (error instanceof RealtimeError) throw error;
  // What is left is the token's fault, or the key set's.
  const isSetsFault =
    error instanceof errors.JWKSInvalid ||
    (error instanceof errors.JOSEError && error.code === errors.JOSEError.code);
  throw isSetsFault ? tokensUnavailableError(error) : unknownTokenError();
}

/** As jose would, but so that what fails here is told from a broken token. */
const fetchKeys: FetchImplementation = async (url, options) => {
  try {
    const response = await fetch(url, options);
    if (response.status !== 200) throw new Error(`${redactURL(url)} answered ${response.status}`);
    return new Response(await readLimited(response, MAX_JWKS_BYTES));
  } catch (error) {
    throw tokensUnavailableError(redactError(error, url));
  }
};

/**
 * An answer stands for a moment, also a bad one: everybody who comes with a token would ask. (jose rests for ten seconds,
 * but only after what went well.) It is no promise: on Workers a request must not wait for what another asked.
 */
function cacheBriefly(fetch: FetchImplementation): FetchImplementation {
  let last:
    | { readonly until: number; readonly text?: string; readonly error?: unknown }
    | undefined;
  return async (url, options) => {
    if (last === undefined || performance.now() >= last.until) {
      const answer = await fetch(url, options)
        .then(async (response) => ({ text: await response.text() }))
        .catch((error: unknown) => ({ error }));
      last = { ...answer, until: performance.now() + JWKS_REST };
    }
    if (last.text === undefined) throw last.error;
    return new Response(last.text);
  };
}

/** Milliseconds by which the wall clock may drift from the monotonic clock before that counts as a step. */
const CLOCK_STEP = 1000;

/**
 * jose measures the age of a key set by the wall clock. When that clock is set back, the set would be kept, and not be asked for
 * again, until the clock has caught up. So a step of the clock begins a new set.
 */
function renewOnClockStep(create: () => JWTVerifyGetKey): JWTVerifyGetKey {
  const readOffset = () => Date.now() - performance.now();
  let offset = readOffset();
  let keySet = create();
  return (...parameters) => {
    const current = readOffset();
    if (Math.abs(current - offset) > CLOCK_STEP) {
      offset = current;
      keySet = create();
    }
    return keySet(...parameters);
  };
}

/** It is not known whether a token counts; so it does not. */
export function tokensUnavailableError(cause: unknown): RealtimeError {
  return new RealtimeError("unavailable", "Tokens can't be checked right now. Try again soon.", {
    cause,
  });
}

function algorithmOf(token: string): string {
  try {
    return decodeProtectedHeader(token).alg ?? "";
  } catch {
    throw unknownTokenError();
  }
}

function unknownTokenError(): RealtimeError {
  return new RealtimeError(
    "unknown_token",
    "The token is not one that this server accepts: it is malformed, or signed by a key or algorithm that is not configured here.",
  );
}
