/** Imports public keys for Web Crypto. */
import type { TokenAlgorithm } from "./token-options.ts";

/** The shortest RSA key that is safe (RFC 7518, sections 3.3 and 3.5). */
const MIN_RSA_BITS = 2048;

/**
 * Imports a public key, as SPKI or as a JSON Web Key.
 *
 * @throws DOMException when the key does not fit the algorithm. Error when an RSA key is too short.
 */
export async function importPublicKey(
  key: JsonWebKey | Promise<Uint8Array<ArrayBuffer>>,
  algorithm: TokenAlgorithm,
): Promise<CryptoKey> {
  const parameters = parametersOf(algorithm);
  const material = await key;
  const imported =
    material instanceof Uint8Array
      ? await crypto.subtle.importKey("spki", material, parameters, false, ["verify"])
      : await crypto.subtle.importKey("jwk", material, parameters, false, ["verify"]);
  const { modulusLength = MIN_RSA_BITS } = imported.algorithm as Partial<RsaKeyAlgorithm>;
  if (modulusLength < MIN_RSA_BITS) throw new Error("The RSA key has less than 2048 bits.");
  return imported;
}

/** The keys that could be imported. */
export async function fulfilled(keys: readonly Promise<CryptoKey>[]): Promise<CryptoKey[]> {
  const results = await Promise.allSettled(keys);
  return results.flatMap((key) => (key.status === "fulfilled" ? [key.value] : []));
}

/** The parameters of `importKey` for an algorithm of RFC 7518 (section 3.1) or RFC 8037. */
export function parametersOf(
  algorithm: TokenAlgorithm,
): Algorithm | HmacImportParams | RsaHashedImportParams | EcKeyImportParams {
  const bits = algorithm.slice(2);
  const hash = `SHA-${bits}`;
  switch (algorithm.slice(0, 2)) {
    case "HS":
      return { name: "HMAC", hash };
    case "RS":
      return { name: "RSASSA-PKCS1-v1_5", hash };
    case "PS":
      return { name: "RSA-PSS", hash };
    case "ES":
      return { name: "ECDSA", namedCurve: bits === "512" ? "P-521" : `P-${bits}` };
    default:
      return { name: "Ed25519" };
  }
}
