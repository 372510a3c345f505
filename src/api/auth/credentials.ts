import type { Context } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import { invalidInput } from "../schemas/validate.ts";

/** Where a credential may come from, besides `Authorization`. */
export interface CredentialOptions {
  /** Name of a cookie. Only requests of pages of this address, or of `origins`, may use it. Default: none. */
  readonly cookie?: string | undefined;
  /** Whether GET takes it as `?token=`. Addresses end up in logs and histories. Default false. */
  readonly queryToken?: boolean | undefined;
  readonly origins: readonly string[];
}

/**
 * The credential of a request: from `Authorization` (with or without `Bearer`: the PocketBase SDK sends it bare), a
 * cookie or the query, in this order; undefined when there is none.
 *
 * @throws RealtimeError `unknown_token` for a header that is no one token, `not_allowed` for a cookie that another
 *   site's page makes the browser send, `invalid_input` for a query token where none is taken.
 */
export function readCredential(c: Context, options: CredentialOptions): string | undefined {
  const header = c.req.header("Authorization");
  if (header !== undefined && header !== "") return readHeader(header);
  const cookies = options.cookie === undefined ? [] : cookiesOf(c, options.cookie);
  if (cookies.some((cookie) => cookie !== "")) {
    refuseCrossSiteCookie(c, options.origins);
    return readCookie(cookies);
  }
  const queries = c.req.method === "GET" ? (c.req.queries("token") ?? []) : [];
  if (queries.every((text) => text === "")) return undefined;
  if (options.queryToken === true) return visibleASCII(onlyOne(queries, "parameter token"));
  const message =
    "Tokens in the address are not taken here, since addresses end up in logs. Send Authorization, or set REALTIME_QUERY_TOKEN=true.";
  throw invalidInput({ token: { code: "validation_not_allowed", message } });
}

/** Two headers arrive as one with a comma and a space: neither is taken then. */
function readHeader(header: string): string {
  const token = /^(?:Bearer +)?(\S+)$/i.exec(header.trim())?.[1];
  if (token !== undefined) return visibleASCII(token);
  throw new RealtimeError(
    "unknown_token",
    "Authorization must be one token, with or without Bearer before it.",
  );
}

/** The values of a cookie: a browser sends two of one name when they were set for different paths or domains. */
function cookiesOf(c: Context, name: string): string[] {
  const pairs = (c.req.header("Cookie") ?? "").split(";").map((pair) => pair.split("="));
  return pairs
    .filter(([key, ...value]) => key?.trim() === name && value.length > 0)
    .map(([, ...value]) => value.join("=").trim());
}

/** @throws RealtimeError `unknown_token` for several: which of them counts would be a guess. */
function onlyOne(values: readonly string[], what: string): string {
  const [value = "", ...more] = values;
  if (more.length === 0) return value;
  throw new RealtimeError("unknown_token", `The ${what} was sent more than once. Send it once.`);
}

/** RFC 6265, `cookie-octet`, with or without quotes around. A malformed cookie must not make its sender a guest. */
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

/** What no header could carry is no token, and must not get as far as somebody who would log it. */
function visibleASCII(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new RealtimeError("unknown_token", "A token has no characters but visible ASCII ones.");
}

/**
 * A browser sends cookies with whatever any page asks it to. So the page must say that it is one of ours, by `Origin`
 * (which is left out of a GET to the page's own address) or `Sec-Fetch-Site`, which no page can set.
 */
function refuseCrossSiteCookie(c: Context, origins: readonly string[]): void {
  const origin = c.req.header("Origin");
  const isOurs =
    origin === undefined
      ? c.req.header("Sec-Fetch-Site") === "same-origin"
      : origins.includes(origin) || isSameHost(c, origin);
  if (isOurs) return;
  throw new RealtimeError(
    "not_allowed",
    "The cookie is refused: the request does not come from a page of this address or of REALTIME_ORIGINS.",
  );
}

/** By host alone: a proxy that ends TLS changes the scheme. */
function isSameHost(c: Context, origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === new URL(c.req.url).host;
}
