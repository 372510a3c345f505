/** The keys that verify JSON Web Tokens. */
import type { CryptoKey, JWTVerifyGetKey } from "jose";
import { RealtimeError } from "../../realtime/errors.ts";
import { createRemoteKeySet } from "./key-set.ts";
import { KEY_ALGORITHMS, type TokenOptions } from "./token-options.ts";

/** A shared secret, a public key, or a function that finds the key in a remote set. */
export type JwtKeySource = Uint8Array | CryptoKey | JWTVerifyGetKey;

/** The configured keys. `keysFor` finds the keys that can verify tokens of a given algorithm. */
export class JwtKeys {
  readonly #secrets: readonly Uint8Array[];
  readonly #pems: readonly string[];
  readonly #keySet: JWTVerifyGetKey | undefined;
  readonly #imported = new Map<string, Promise<readonly CryptoKey[]>>();

  constructor({ secrets = [], publicKeys = [], jwksURL }: TokenOptions, isOneProcess: boolean) {
    const encoder = new TextEncoder();
    this.#secrets = secrets.map((secret) => encoder.encode(secret));
    this.#pems = publicKeys;
    this.#keySet = jwksURL === undefined ? undefined : createRemoteKeySet(jwksURL, isOneProcess);
  }

  /**
   * Returns the secrets for an HS algorithm. For any other algorithm, returns the public keys that fit it, and the remote key
   * set. A public key is never used as a secret, which prevents algorithm confusion (RFC 8725, section 2.1).
   */
  async keysFor(algorithm: string): Promise<readonly JwtKeySource[]> {
    if (algorithm.startsWith("HS")) return this.#secrets;
    let imported = this.#imported.get(algorithm);
    if (imported === undefined) {
      imported = importKeys(this.#pems, algorithm);
      this.#imported.set(algorithm, imported);
    }
    const keys: readonly JwtKeySource[] = await imported;
    return this.#keySet === undefined ? keys : [...keys, this.#keySet];
  }
}

/**
 * Checks that every public key can be read. Without this check, the service would start with a malformed key and
 * refuse the tokens of that key as unknown.
 *
 * @param setting The name of the option or variable, for the error.
 * @throws RealtimeError `invalid_config` for the first key that can't be read.
 */
export async function checkPublicKeys(
  { publicKeys = [] }: TokenOptions,
  setting = "tokens.publicKeys",
): Promise<void> {
  for (const [index, pem] of publicKeys.entries()) {
    const imported = await Promise.all(KEY_ALGORITHMS.map((name) => importKeys([pem], name)));
    if (imported.flat().length > 0) continue;
    throw new RealtimeError(
      "invalid_config",
      `${setting}: key ${index + 1} can't be read. It must be an RSA, EC or Ed25519 public key in PEM (SPKI).`,
    );
  }
}

/** Imports the keys that fit the algorithm, and leaves out the others: an RSA key can't verify ES256. */
async function importKeys(pems: readonly string[], algorithm: string): Promise<CryptoKey[]> {
  const keys = await Promise.allSettled(pems.map((pem) => importKey(pem, algorithm)));
  return keys.flatMap((key) => (key.status === "fulfilled" ? [key.value] : []));
}

/** jose's `importSPKI` is not used: it would add 1.2 KiB to the Worker's bundle, most of it for algorithms of encryption. */
async function importKey(pem: string, algorithm: string): Promise<CryptoKey> {
  const base64 = pem.replaceAll(/-----(?:BEGIN|END) PUBLIC KEY-----|\s/g, "");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return crypto.subtle.importKey("spki", bytes, parametersOf(algorithm), false, ["verify"]);
}

/** The parameters of `importKey` for an algorithm of RFC 7518 (section 3.1) or RFC 8037. */
function parametersOf(algorithm: string): Algorithm | RsaHashedImportParams | EcKeyImportParams {
  const bits = algorithm.slice(2);
  switch (algorithm.slice(0, 2)) {
    case "RS":
      return { name: "RSASSA-PKCS1-v1_5", hash: `SHA-${bits}` };
    case "PS":
      return { name: "RSA-PSS", hash: `SHA-${bits}` };
    case "ES":
      return { name: "ECDSA", namedCurve: bits === "512" ? "P-521" : `P-${bits}` };
    default:
      return { name: "Ed25519" };
  }
}
