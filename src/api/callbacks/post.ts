import { redactError, redactURL } from "../auth/redact-url.ts";
import { type CallbackOptions, secretBytes } from "./options.ts";

/**
 * Signs a request as Standard Webhooks describes (https://www.standardwebhooks.com): HMAC-SHA256 over its id, time and body.
 *
 * @param timestamp Seconds since 1970.
 * @returns The value of the header `webhook-signature`.
 */
export async function signCallback(
  secret: string,
  id: string,
  timestamp: number,
  body: string,
): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // `checkCallbackOptions` has checked the secret.
  const bytes = secretBytes(secret) ?? new Uint8Array();
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  const text = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
  return `v1,${btoa(String.fromCharCode(...signature))}`;
}

/**
 * Sends a signed POST. Redirects are not followed: they would send the request to a server that is not configured.
 *
 * @param id The request's `webhook-id`: the same if the request is sent again.
 * @param body JSON.
 * @param signal Ends the request and the reading of its response.
 * @throws The error of `fetch`. Log it only with `describeFailure`, because its text may contain the URL.
 */
export async function postCallback(
  { url, secret }: CallbackOptions,
  id: string,
  body: string,
  signal: AbortSignal,
): Promise<Response> {
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": await signCallback(secret, id, timestamp, body),
  };
  return fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
}

/** Describes for the log why a callback failed, without the secrets of the URL. */
export function describeFailure(error: unknown, url: string): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return `${redactURL(url)} did not answer in time`;
  }
  // The message of Node's `fetch` is always "fetch failed". The cause says why.
  const cause = error instanceof Error && error.cause !== undefined ? `: ${error.cause}` : "";
  return redactError(`${error}${cause}`, url);
}
