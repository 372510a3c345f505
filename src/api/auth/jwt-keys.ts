/** The keys that verify JSON Web Tokens. */
import { type CryptoKey, importSPKI, type JWTVerifyGetKey } from "jose";
import { RealtimeError } from "../../realtime/errors.ts";
import { createRemoteKeySet } from "./key-set.ts";
import { KEY_ALGORITHMS, type TokenOptions } from "./token-options.ts";

/** A shared secret, a public key, or a function that finds the key in a remote set. */
export type JwtKeySource = Uint8Array | CryptoKey | JWTVerifyGetKey;

/** The configured keys, looked up by the algorithm of a token. */
export class JwtKeys {
  readonly #secrets: readonly Uint8Array[];
  readonly #pems: readonly string[];
  readonly #keySet: JWTVerifyGetKey | undefined;
  readonly #imported = new Map<string, Promise<readonly CryptoKey[]>>();

  constructor({ secrets = [], publicKeys = [], jwksURL }: TokenOptions) {
    const encoder = new TextEncoder();
    this.#secrets = secrets.map((secret) => encoder.encode(secret));
    this.#pems = publicKeys;
    this.#keySet = jwksURL === undefined ? undefined : createRemoteKeySet(jwksURL);
  }

  /**
   * The secrets for an HS algorithm. For any other algorithm the public keys, then the remote key set if there is one.
   *
   * A public key is never used as a secret. Otherwise everyone who has the public key could sign tokens (algorithm confusion, RFC
   * 8725, section 2.1).
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
 * Checks that every public key can be read. Without this check, a malformed key would be ignored, and the tokens
 * that were signed with it would be refused as unknown.
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

/** Imports the keys that fit the algorithm. Keys of another type, and keys that can't be read, are left out. */
async function importKeys(pems: readonly string[], algorithm: string): Promise<CryptoKey[]> {
  const keys = await Promise.allSettled(pems.map((pem) => importSPKI(pem, algorithm)));
  return keys.flatMap((key) => (key.status === "fulfilled" ? [key.value] : []));
}
