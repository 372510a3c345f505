/** Reads the credential of a request: the admin key or a token. */
import type { Context } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import { invalidInput } from "../schemas/validate.ts";

/** Where a credential may come from, besides `Authorization`. */
export interface CredentialOptions {
  /** Name of a cookie that carries a token. Only pages of the service's own host or of `origins` may use it. Default: none. */
  readonly cookie?: string | undefined;
  /** Whether GET accepts a token as `?token=`. Default false, because URLs are logged and kept in browser histories. */
  readonly queryToken?: boolean | undefined;
  /** Origins of the pages that may send the cookie. */
  readonly origins: readonly string[];
}

/**
 * Reads the credential from `Authorization`, the cookie or the query, in this order. `Bearer` is optional, since the PocketBase
 * SDK sends the bare token.
 *
 * @returns undefined for a request without a credential.
 * @throws RealtimeError `unknown_token` for a malformed or repeated credential, `not_allowed` for a cookie that a page of
 *   another site makes the browser send, `invalid_input` for `?token=` where `queryToken` is off.
 */
export function readCredential(c: Context, options: CredentialOptions): string | undefined {
  const header = c.req.header("Authorization");
  if (header !== undefined && header !== "") return readHeader(header);
  const cookies = options.cookie === undefined ? [] : cookieValues(c, options.cookie);
  if (cookies.some((cookie) => cookie !== "")) {
    refuseCrossSiteCookie(c, options.origins);
    return readCookie(cookies);
  }
  const queries = c.req.method === "GET" ? (c.req.queries("token") ?? []) : [];
  if (queries.every((text) => text === "")) return undefined;
  if (options.queryToken === true) return visibleASCII(onlyOne(queries, "parameter token"));
  const message =
    "A token in the URL is not accepted here, because URLs are logged. Send it in Authorization, or turn on the option queryToken.";
  throw invalidInput({ token: { code: "validation_not_allowed", message } });
}

/** A repeated header arrives as one value with a comma and a space, which does not match the pattern. */
function readHeader(header: string): string {
  const token = /^(?:Bearer +)?(\S+)$/i.exec(header.trim())?.[1];
  if (token !== undefined) return visibleASCII(token);
  throw new RealtimeError(
    "unknown_token",
    "Authorization must be one token, with or without Bearer before it.",
  );
}

/** Every value of a cookie. A browser sends several when they were set for different paths or domains. */
function cookieValues(c: Context, name: string): string[] {
  const pairs = (c.req.header("Cookie") ?? "").split(";").map((pair) => pair.split("="));
  return pairs
    .filter(([key, ...value]) => key?.trim() === name && value.length > 0)
    .map(([, ...value]) => value.join("=").trim());
}

/** @throws RealtimeError `unknown_token` for several values, because choosing one would be a guess. */
function onlyOne(values: readonly string[], what: string): string {
  const [value = "", ...more] = values;
  if (more.length === 0) return value;
  throw new RealtimeError("unknown_token", `The ${what} was sent more than once. Send it once.`);
}

/** RFC 6265, `cookie-octet`, with optional quotes. A malformed cookie is an error: its sender must not become a guest. */
const COOKIE_VALUE = /^(?:[!#-+\--:<-[\]-~]*|"[!#-+\--:<-[\]-~]*")$/;

function readCookie(cookies: readonly string[]): string {
  const value = onlyOne(cookies, "cookie with the token");
  if (!COOKIE_VALUE.test(value)) {
    throw new RealtimeError("unknown_token", "The cookie with the token is malformed.");
  }
  const unquoted = value.replaceAll('"', "");
  try {
    return visibleASCII(decodeURIComponent(unquoted));
  } catch {
    return visibleASCII(unquoted);
  }
}

/** Refuses a token with other characters than visible ASCII. Otherwise a line break could reach a log or another request. */
function visibleASCII(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new RealtimeError("unknown_token", "A token may contain visible ASCII characters only.");
}

/**
 * A browser sends cookies with requests that any page makes. The page must therefore prove its origin, by `Origin` (left out
 * of a GET to the page's own origin) or by `Sec-Fetch-Site`. A page can set neither header.
 */
function refuseCrossSiteCookie(c: Context, origins: readonly string[]): void {
  const origin = c.req.header("Origin");
  const isAllowed =
    origin === undefined
      ? c.req.header("Sec-Fetch-Site") === "same-origin"
      : origins.includes(origin) || isSameHost(c, origin);
  if (isAllowed) return;
  throw new RealtimeError(
    "not_allowed",
    "The cookie is refused, because the request does not come from a page of an allowed origin. Add the page's origin to the option origins, or send the token in Authorization.",
  );
}

/** Compares the host only: a proxy that terminates TLS changes the scheme. */
function isSameHost(c: Context, origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === new URL(c.req.url).host;
}
