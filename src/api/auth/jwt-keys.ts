/** The keys that verify JSON Web Tokens. */
import { RealtimeError } from "../../realtime/errors.ts";
import { fulfilled, importPublicKey, parametersOf } from "./import-key.ts";
import { createRemoteKeySet, type FindKeys } from "./key-set.ts";
import { KEY_ALGORITHMS, type TokenAlgorithm, type TokenOptions } from "./token-options.ts";

/** The configured keys. `keysFor` finds the keys that can verify a token. */
export class JwtKeys {
  readonly #secrets: readonly string[];
  readonly #pems: readonly string[];
  readonly #findInSet: FindKeys | undefined;
  readonly #imported = new Map<TokenAlgorithm, Promise<readonly CryptoKey[]>>();

  constructor({ secrets = [], publicKeys = [], jwksURL }: TokenOptions, isOneProcess: boolean) {
    this.#secrets = secrets;
    this.#pems = publicKeys;
    this.#findInSet = jwksURL === undefined ? undefined : createRemoteKeySet(jwksURL, isOneProcess);
  }

  /**
   * Returns the secrets for an HS algorithm. For any other algorithm, returns the public keys that fit it, and those of the remote
   * key set. A public key is never used as a secret, which prevents algorithm confusion (RFC 8725, section 2.1).
   *
   * @param id The `kid` of the token. It selects keys of the remote key set.
   * @throws RealtimeError `unavailable` when the remote key set can't be used.
   */
  async *keysFor(algorithm: TokenAlgorithm, id: unknown): AsyncGenerator<CryptoKey> {
    const isSecret = algorithm.startsWith("HS");
    let imported = this.#imported.get(algorithm);
    if (imported === undefined) {
      imported = isSecret
        ? Promise.all(this.#secrets.map((secret) => importSecret(secret, algorithm)))
        : importKeys(this.#pems, algorithm);
      this.#imported.set(algorithm, imported);
    }
    yield* await imported;
    if (!isSecret && this.#findInSet !== undefined) yield* await this.#findInSet(algorithm, id);
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
function importKeys(pems: readonly string[], algorithm: TokenAlgorithm): Promise<CryptoKey[]> {
  return fulfilled(pems.map((pem) => importPublicKey(bytesOf(pem), algorithm)));
}

/** An `async` function, so that malformed base64 rejects its promise. */
async function bytesOf(pem: string): Promise<Uint8Array<ArrayBuffer>> {
  const base64 = pem.replaceAll(/-----(?:BEGIN|END) PUBLIC KEY-----|\s/g, "");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function importSecret(secret: string, algorithm: TokenAlgorithm): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", bytes, parametersOf(algorithm), false, ["verify"]);
}
