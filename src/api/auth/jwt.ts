/** Verifies JSON Web Tokens (RFC 7519) with the configured keys. */
import type { RealtimeError } from "../../realtime/errors.ts";
import { type Identity, identityOf } from "./claims.ts";
import { refusedTokenError, unknownTokenError } from "./errors.ts";
import { decodeToken, isSignedWith, type TokenPart } from "./jws.ts";
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
    const { header, claims } = decode(token);
    const { alg, kid } = header;
    const algorithm = algorithms.find((name) => name === alg);
    if (algorithm === undefined) throw unknownTokenError();
    for await (const key of keys.keysFor(algorithm, kid)) {
      if (!(await isSigned(token, key, algorithm))) continue;
      checkClaims(claims, options);
      return identityOf(claims, clockSkew);
    }
    throw unknownTokenError();
  };
}

function decode(token: string): ReturnType<typeof decodeToken> {
  try {
    const decoded = decodeToken(token);
    const { typ, crit } = decoded.header;
    // Any type of token is accepted, for example `at+jwt` (RFC 9068). A critical header must be understood (RFC 7515).
    if ((typ === undefined || typeof typ === "string") && crit === undefined) return decoded;
  } catch {
    // Refused below, as a token with a critical header.
  }
  throw unknownTokenError();
}

async function isSigned(token: string, key: CryptoKey, alg: TokenAlgorithm): Promise<boolean> {
  try {
    return await isSignedWith(token, key, alg);
  } catch {
    throw unknownTokenError();
  }
}

/**
 * Checks the claims of RFC 7519, section 4.1, apart from those that `identityOf` reads.
 *
 * @throws RealtimeError `refused_token`.
 */
function checkClaims(claims: TokenPart, options: TokenOptions): void {
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
