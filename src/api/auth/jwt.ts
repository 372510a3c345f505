/** Verifies JSON Web Tokens (RFC 7519) with the configured keys. */
import { decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import {
  JWKSInvalid,
  JWKSMultipleMatchingKeys,
  JWKSNoMatchingKey,
  JWSSignatureVerificationFailed,
  JWTClaimValidationFailed,
  JWTExpired,
} from "jose/errors";
import { RealtimeError } from "../../realtime/errors.ts";
import { type Identity, identityOf } from "./claims.ts";
import { refusedTokenError, tokensUnavailableError, unknownTokenError } from "./errors.ts";
import { type JwtKeySource, JwtKeys } from "./jwt-keys.ts";
import { DEFAULT_CLOCK_SKEW, type TokenAlgorithm, type TokenOptions } from "./token-options.ts";

const DEFAULT_ALGORITHMS: readonly TokenAlgorithm[] = ["HS256", "RS256", "ES256", "EdDSA"];

/**
 * Finds the identity of a token.
 *
 * Throws RealtimeError `unknown_token` when the verifier does not recognise the token, `refused_token` when its claims are not
 * accepted or the introspection endpoint refuses it, and `unavailable` when the token can't be checked right now.
 *
 * @param onAsk Runs before an endpoint is asked about the token. If `onAsk` throws, the endpoint is not asked, and the error is
 *   thrown.
 */
export type VerifyToken = (token: string, onAsk?: () => void) => Promise<Identity>;

/**
 * Creates a verifier for tokens that are signed with one of the configured keys.
 *
 * @param isOneProcess Whether requests may wait for a fetch of another request. Default false.
 * @example
 * const verify = createTokenVerifier({ secrets: [secret], issuer: "https://issuer.example.com" });
 * const { subject } = await verify(token);
 */
export function createTokenVerifier(options: TokenOptions, isOneProcess = false): VerifyToken {
  const { issuer, audience, clockSkew = DEFAULT_CLOCK_SKEW, allowNoExpiry = false } = options;
  const allowed: readonly string[] = options.algorithms ?? DEFAULT_ALGORITHMS;
  const keys = new JwtKeys(options, isOneProcess);
  const verifyOptions: JWTVerifyOptions = {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    clockTolerance: clockSkew / 1000,
    requiredClaims: allowNoExpiry ? ["sub"] : ["sub", "exp"],
  };
  return async (token) => {
    const algorithm = algorithmOf(token);
    if (!allowed.includes(algorithm)) throw unknownTokenError();
    for (const key of await keys.keysFor(algorithm)) {
      const payload = await verifyWith(token, key, { ...verifyOptions, algorithms: [algorithm] });
      if (payload !== undefined) return identityOf(payload, clockSkew);
    }
    throw unknownTokenError();
  };
}

function algorithmOf(token: string): string {
  try {
    return decodeProtectedHeader(token).alg ?? "";
  } catch {
    throw unknownTokenError();
  }
}

/** @returns the claims, or undefined when another key signed the token. */
async function verifyWith(
  token: string,
  key: JwtKeySource,
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  try {
    // jose declares one overload for keys and one for functions.
    const { payload } =
      typeof key === "function"
        ? await jwtVerify(token, key, options)
        : await jwtVerify(token, key, options);
    return payload;
  } catch (error) {
    if (error instanceof JWKSMultipleMatchingKeys) {
      // Several keys of the set fit the token, usually because the token has no `kid`. Each of these keys is tried.
      for await (const candidate of error) {
        const payload = await verifyWith(token, candidate, options);
        if (payload !== undefined) return payload;
      }
      return undefined;
    }
    if (isOtherKey(error)) return undefined;
    throw toRealtimeError(error);
  }
}

function isOtherKey(error: unknown): boolean {
  return error instanceof JWSSignatureVerificationFailed || error instanceof JWKSNoMatchingKey;
}

function toRealtimeError(error: unknown): RealtimeError {
  if (error instanceof RealtimeError) return error;
  if (error instanceof JWTExpired) return refusedTokenError("it has expired");
  if (error instanceof JWTClaimValidationFailed) {
    return refusedTokenError(
      `its claim ${error.claim} is missing or has the wrong value`,
      "Correct the token where it is issued.",
    );
  }
  // jose throws JWKSInvalid when the key of the set is not a public key.
  return error instanceof JWKSInvalid ? tokensUnavailableError(error) : unknownTokenError();
}
