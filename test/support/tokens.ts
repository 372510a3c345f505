/** Credentials as issuers create them: JSON Web Tokens that are signed with the tests' own keys. */
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { keepSecret } from "./secrets.ts";

export const JWT_SECRET: string = keepSecret("test-only-jwt-secret-of-32-characters-and-more");

export interface TokenSettings {
  /** Default `JWT_SECRET`. */
  readonly key?: string | CryptoKey;
  /** Default HS256. */
  readonly algorithm?: string;
  /** Default: none. */
  readonly keyId?: string;
}

/** Seconds since 1970, `seconds` from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** A token of `sub`. Valid for a minute by default. Claims that are undefined are left out. */
export async function signToken(
  claims: Readonly<Record<string, unknown>> = {},
  { key = JWT_SECRET, algorithm: alg = "HS256", keyId }: TokenSettings = {},
): Promise<string> {
  const all = { sub: "anna", iat: inSeconds(0), exp: inSeconds(60), ...claims };
  const signer = new SignJWT(JSON.parse(JSON.stringify(all)));
  signer.setProtectedHeader({ alg, ...(keyId !== undefined && { kid: keyId }) });
  return keepSecret(
    await signer.sign(typeof key === "string" ? new TextEncoder().encode(key) : key),
  );
}

/** A token with rights. */
export function tokenFor(
  sub: string,
  realtime: { readonly subscribe?: readonly string[]; readonly publish?: readonly string[] } = {},
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return signToken({ sub, realtime, ...claims });
}

export interface KeyPair {
  readonly privateKey: CryptoKey;
  /** PEM. */
  readonly publicKey: string;
  /** The key as in a JSON Web Key Set. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

export async function makeKeyPair(algorithm: string, keyId: string): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: "sig" };
  return { privateKey, publicKey: await exportSPKI(publicKey), jwk };
}

export function bearer(token: string): { readonly Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}
