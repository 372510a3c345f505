/** Reads JSON Web Tokens and checks their signatures with Web Crypto (RFC 7515, "Compact Serialization"). */
import { isObject } from "../../realtime/is-object.ts";
import { bytesOfBase64, parametersOf } from "./import-key.ts";
import type { TokenAlgorithm } from "./token-options.ts";

/** The fields of a header, or the claims of a payload. */
export type TokenPart = Readonly<Record<string, unknown>>;

/**
 * The header and the claims of a token. Nothing of them is verified.
 *
 * @throws an error of any kind for a token of another form, and for a header or claims that are not a JSON object.
 */
export function decodeToken(token: string): { header: TokenPart; claims: TokenPart } {
  const [header = "", claims = "", signature, ...rest] = token.split(".");
  if (signature === undefined || rest.length > 0) throw new TypeError("Not a JSON Web Token.");
  return { header: decodePart(header), claims: decodePart(claims) };
}

function decodePart(text: string): TokenPart {
  const part: unknown = JSON.parse(new TextDecoder().decode(bytesOfBase64URL(text)));
  if (isObject(part)) return part;
  throw new TypeError("A part of the token is not a JSON object.");
}

/**
 * Whether a key has signed the token.
 *
 * @throws an error of any kind for a signature that is not base64url, and for a key of another algorithm.
 */
export async function isSignedWith(
  token: string,
  key: CryptoKey,
  algorithm: TokenAlgorithm,
): Promise<boolean> {
  const end = token.lastIndexOf(".");
  const signature = token.slice(end + 1);
  if (!/^[\w-]*={0,2}$/.test(signature)) throw new TypeError("The signature is not base64url.");
  const signed = new TextEncoder().encode(token.slice(0, end));
  return crypto.subtle.verify(parametersOf(algorithm), key, bytesOfBase64URL(signature), signed);
}

function bytesOfBase64URL(text: string): Uint8Array<ArrayBuffer> {
  return bytesOfBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}
