/** Verifies JSON Web Tokens (RFC 7519) with the configured keys. */
import { decodeHeader, verify } from "hono/utils/jwt/jwt";
import { type JWTPayload, JwtTokenSignatureMismatched } from "hono/utils/jwt/types";
import type { RealtimeError } from "../../realtime/errors.ts";
import { isObject } from "../../realtime/is-object.ts";
import { type Identity, identityOf } from "./claims.ts";
import { refusedTokenError, unknownTokenError } from "./errors.ts";
import { JwtKeys } from "./jwt-keys.ts";
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
  const { clockSkew = DEFAULT_CLOCK_SKEW, algorithms = DEFAULT_ALGORITHMS } = options;
  const keys = new JwtKeys(options, isOneProcess);
  return async (token) => {
    const { alg, kid } = headerOf(token);
    const algorithm = algorithms.find((name) => name === alg);
    if (algorithm === undefined) throw unknownTokenError();
    for await (const key of keys.keysFor(algorithm, kid)) {
      const claims = await verifyWith(token, key, algorithm);
      if (claims === undefined) continue;
      checkClaims(claims, options);
      return identityOf(claims, clockSkew);
    }
    throw unknownTokenError();
  };
}

function headerOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = decodeHeader(token);
    if (isObject(header)) return header;
  } catch {
    // Refused below, as a header that is not an object.
  }
  throw unknownTokenError();
}

/** @returns the claims, or undefined when another key signed the token. */
async function verifyWith(
  token: string,
  key: CryptoKey,
  alg: TokenAlgorithm,
): Promise<JWTPayload | undefined> {
  // Hono checks the signature last. `checkClaims` checks the claims afterwards: Hono's check allows no difference of clocks, and
  // another verifier may know a token that is signed with another key.
  const unchecked = { nbf: false, exp: false, iat: false };
  // Any type of token is accepted, for example `at+jwt` (RFC 9068).
  const { typ } = headerOf(token) as { readonly typ?: string };
  try {
    const claims = await verify(token, key, {
      alg,
      ...unchecked,
      ...(typ !== undefined && { typ }),
    });
    if (isObject(claims)) return claims;
  } catch (error) {
    if (error instanceof JwtTokenSignatureMismatched) return undefined;
  }
  throw unknownTokenError();
}

/**
 * Checks the claims of RFC 7519, section 4.1, apart from those that `identityOf` reads.
 *
 * @throws RealtimeError `refused_token`.
 */
function checkClaims(claims: JWTPayload, options: TokenOptions): void {
  const { issuer, audience, clockSkew = DEFAULT_CLOCK_SKEW, allowNoExpiry = false } = options;
  const now = Math.floor(Date.now() / 1000);
  const tolerance = clockSkew / 1000;
  const { iss, aud, sub, iat = 0, nbf = 0, exp } = claims;
  if (issuer !== undefined && iss !== issuer) throw claimError("iss");
  if (audience !== undefined && ![aud].flat().includes(audience)) throw claimError("aud");
  if (sub === undefined) throw claimError("sub");
  if (typeof iat !== "number") throw claimError("iat");
  if (typeof nbf !== "number" || nbf > now + tolerance) throw claimError("nbf");
  if (exp === undefined && allowNoExpiry) return;
  if (typeof exp !== "number") throw claimError("exp");
  if (exp <= now - tolerance) throw refusedTokenError("it has expired");
}

function claimError(name: string): RealtimeError {
  return refusedTokenError(
    `its claim ${name} is missing or has the wrong value`,
    "Correct the token where it is issued.",
  );
}
