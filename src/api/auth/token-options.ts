import type { Milliseconds } from "../../realtime/units.ts";

/** JWS algorithms that verify with a shared secret (RFC 7518, "HMAC with SHA-2 Functions"). */
export const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;

/** JWS algorithms that verify with a public key. `none` is never accepted. */
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

/** The `alg` of a JSON Web Token that Pocketwire can verify. */
export type TokenAlgorithm = (typeof SECRET_ALGORITHMS)[number] | (typeof KEY_ALGORITHMS)[number];

/** By how much the clock of a token's issuer may differ from this clock. */
export const DEFAULT_CLOCK_SKEW: Milliseconds = 5000;

/**
 * How JSON Web Tokens (RFC 7519) are verified. Set at least one of `secrets`, `publicKeys` and `jwksURL`.
 *
 * @example
 * createServer({ tokens: { jwksURL: "https://issuer.example.com/.well-known/jwks.json", audience: "chat" } });
 */
export interface TokenOptions {
  /** Shared secrets. Any of them may have signed a token, so you can rotate secrets without an interruption. */
  readonly secrets?: readonly string[] | undefined;
  /** Public keys in PEM (SPKI). Any of them may verify a token. */
  readonly publicKeys?: readonly string[] | undefined;
  /** URL of a JSON Web Key Set. The set is cached for ten minutes, and fetched again for an unknown key id. */
  readonly jwksURL?: string | undefined;
  /** Accepted algorithms. Default: HS256, RS256, ES256 and EdDSA. */
  readonly algorithms?: readonly TokenAlgorithm[] | undefined;
  /** Required value of the claim `iss`. Default: any issuer. */
  readonly issuer?: string | undefined;
  /** Value that the claim `aud` must equal or contain. Default: any audience. */
  readonly audience?: string | undefined;
  /** By how much the issuer's clock may differ from this one, when `exp`, `nbf` and `iat` are checked. Default 5,000. */
  readonly clockSkew?: Milliseconds | undefined;
  /** Whether a token without `exp` is accepted. Default false. */
  readonly allowNoExpiry?: boolean | undefined;
}
