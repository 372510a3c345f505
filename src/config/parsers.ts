/** Parsers for variables: each turns a text into a value, or refuses it and says what the variable must be. */
import { CONTROL_CHARACTER } from "../api/auth/claims.ts";
import { isLoopback } from "../api/auth/loopback.ts";
import {
  KEY_ALGORITHMS,
  SECRET_ALGORITHMS,
  type TokenAlgorithm,
} from "../api/auth/token-options.ts";
import { SECRET_RULE, secretBytes } from "../api/callbacks/options.ts";
import { ADMIN_KEY, ADMIN_KEY_RULE } from "../api/check-options.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { Milliseconds } from "../realtime/units.ts";

/**
 * Parses the text of one variable, undefined for a variable that is not set.
 *
 * Throws RealtimeError `invalid_config` for a text that is not valid. The message of the error completes "The variable must be".
 */
export type Parser<T> = (text: string | undefined) => T;

/**
 * Makes a parser for one variable.
 *
 * @param expected The message of the error.
 * @param defaultValue The value of a variable that is not set.
 * @param parse Returns undefined for a text that is not valid.
 */
export function parser<T>(
  expected: string,
  defaultValue: T,
  parse: (text: string) => T | undefined,
): Parser<T> {
  return (text) => {
    if (text === undefined) return defaultValue;
    const value = parse(text);
    if (value !== undefined) return value;
    throw new RealtimeError("invalid_config", expected);
  };
}

/** As `parser`, for a variable without a default. */
export function optional<T>(expected: string, parse: (text: string) => T | undefined) {
  return parser<T | undefined>(expected, undefined, parse);
}

/** Decimal notation only: `Number` alone would accept `0x50`, `1e3` and an empty text. */
function parseDecimal(text: string, min: number, max: number): number | undefined {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** A whole number. */
export function integer(min: number, max: number, defaultValue: number) {
  return parser(`a whole number from ${min} to ${max}`, defaultValue, (text) => {
    const value = parseDecimal(text, min, max);
    return Number.isInteger(value) ? value : undefined;
  });
}

/** A rate per second; 0 is no limit. */
export function rate(max: number, defaultValue: number) {
  return parser(`a number from 0 to ${max}`, defaultValue, (text) => parseDecimal(text, 0, max));
}

/** A number of seconds, which the parser turns into milliseconds. `min` and `max` are seconds. */
export function seconds(min: number, max: number, defaultValue: Milliseconds) {
  return parser(`a number of seconds from ${min} to ${max}`, defaultValue, (text) => {
    const value = parseDecimal(text, min, max);
    return value === undefined ? undefined : value * 1000;
  });
}

/** One of a few words. */
export function oneOf<const T extends string>(values: readonly T[], defaultValue: T) {
  return parser(`one of ${values.join(", ")}`, defaultValue, (text) =>
    values.find((value) => value === text),
  );
}

/** `true` or `false`. */
export function flag<T extends boolean | undefined>(defaultValue: T) {
  return parser<boolean | T>("true or false", defaultValue, (text) =>
    text === "true" ? true : text === "false" ? false : undefined,
  );
}

/** The key of administrators. */
export const adminKey = optional(ADMIN_KEY_RULE, (text) =>
  ADMIN_KEY.test(text) ? text : undefined,
);

/** `*`, or origins with commas between them. */
export function origins(defaultValue: readonly string[]) {
  const expected = "* or a comma-separated list of origins such as https://example.com";
  return parser(expected, defaultValue, (text) => {
    if (text === "*") return ["*"];
    const given = splitList(text);
    return given.every(isOrigin) ? given : undefined;
  });
}

/** Whether a browser would send this text in `Origin`. Mobile apps have other schemes, such as capacitor://localhost. */
function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
  return /^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/.test(text);
}

/** RFC 9110, "Tokens". */
const HTTP_NAME = /^[\w!#$%&'*+.^`|~-]{1,255}$/;

/** A name of a header or a cookie. */
export const httpName = optional("a valid name of a header or cookie", (text) =>
  HTTP_NAME.test(text) ? text : undefined,
);

/** A text without control characters, such as line breaks. */
export const line = optional(
  "a line of at most 1024 characters, without control characters",
  (text) => (text.length <= 1024 && !CONTROL_CHARACTER.test(text) ? text : undefined),
);

/** A shorter secret can be guessed from a token (RFC 7518, "HMAC with SHA-2 Functions"). */
const SECRET = /^[!-~]{32,4096}$/;

/** Secrets that sign tokens. */
export const secrets = optional(
  "one or more secrets of 32 to 4096 visible ASCII characters, separated by spaces",
  (text) => {
    const values = text.split(/\s+/);
    return values.every((secret) => SECRET.test(secret)) ? values : undefined;
  },
);

const PEM = /-----BEGIN PUBLIC KEY-----[A-Za-z\d+/=\s]+-----END PUBLIC KEY-----/g;

/** Public keys. A line break may be written as `\n`, because some platforms accept only one line. */
export const publicKeys = optional(
  "one or more public keys in PEM (BEGIN PUBLIC KEY)",
  (text): string[] | undefined => {
    const lines = text.replaceAll("\\n", "\n");
    const keys = lines.match(PEM) ?? [];
    return keys.length > 0 && lines.replace(PEM, "").trim() === "" ? keys : undefined;
  },
);

const ALGORITHMS: readonly TokenAlgorithm[] = [...SECRET_ALGORITHMS, ...KEY_ALGORITHMS];

/** A list of known names, with commas between them. */
export function names<const T extends string>(known: readonly T[]) {
  return optional(`a comma-separated list of ${known.join(", ")}`, (text) => {
    const given = splitList(text);
    const found = known.filter((name) => given.includes(name));
    return found.length === new Set(given).size ? found : undefined;
  });
}

function splitList(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

/** Algorithms of tokens. */
export const algorithms = names(ALGORITHMS);

/** The secret that signs callbacks. */
export const callbackSecret = optional(SECRET_RULE, (text) => secretBytes(text) && text);

/** Names of headers, with commas between them. */
export const headerNames = optional("a comma-separated list of at most 10 header names", (text) => {
  const given = splitList(text);
  return given.length <= 10 && given.every((name) => HTTP_NAME.test(name)) ? given : undefined;
});

/** A URL from which keys may be fetched, or to which tokens may be sent: https, or http on this machine. */
export const secureURL = optional(
  "an https URL without user name and password, or an http URL of this machine",
  (text) => {
    if (!URL.canParse(text)) return undefined;
    const { protocol, hostname, username, password } = new URL(text);
    const isSecure = protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
    return isSecure && username === "" && password === "" ? text : undefined;
  },
);
