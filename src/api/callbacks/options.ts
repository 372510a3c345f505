/** The options of callbacks, and their checks. */
import { RealtimeError } from "../../realtime/errors.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { TELLS, type Tell } from "../../registry/tells.ts";

/** What a backend can be asked about. */
export const ASKS = ["connect", "subscribe", "publish"] as const;
export type Ask = (typeof ASKS)[number];

/** A backend that is asked about requests and gets events, over HTTP (docs/callbacks.md). */
export interface CallbackOptions {
  /** The URL that gets every question and every batch of events, as a POST with JSON. */
  readonly url: string;
  /** The secret that signs the requests (`SECRET_RULE`), by the convention of Standard Webhooks. */
  readonly secret: string;
  /** The requests about which the backend is asked. Without an answer they get 503. Default: none. */
  readonly ask?: readonly Ask[] | undefined;
  /** The events that the backend gets. Default: none. */
  readonly tell?: readonly Tell[] | undefined;
  /**
   * Names of request headers that a question contains, such as `cookie`. They may be credentials, so name only those that the
   * backend needs. Default: none.
   */
  readonly headers?: readonly string[] | undefined;
  /** Time for one question, for all questions about one batch of messages, and for one batch of events. Default 5,000. */
  readonly timeout?: Milliseconds | undefined;
  /**
   * Questions in progress at a time. On Node and Bun, up to 16 times as many questions wait for a free place, within `timeout`.
   * Beyond that, and on Workers without a wait, a request gets 503. Default 64.
   */
  readonly maxConcurrent?: number | undefined;
  /** Events that wait to be sent; on Workers, those of one shard. Above this number, the oldest event is dropped. Default 10,000. */
  readonly maxQueue?: number | undefined;
}

/** The defaults of the options. */
export const CALLBACK_DEFAULTS = { timeout: 5000, maxConcurrent: 64, maxQueue: 10_000 } as const;

/** A secret in words, for error messages. */
export const SECRET_RULE = "whsec_ followed by at least 24 bytes in Base64";

/** Reads the bytes of a secret. Undefined if the secret does not fit `SECRET_RULE`. */
export function secretBytes(secret: string): Uint8Array<ArrayBuffer> | undefined {
  const [, base64] = /^whsec_([A-Za-z\d+/]{32,4000}={0,2})$/.exec(secret) ?? [];
  if (base64 === undefined || base64.length % 4 !== 0) return undefined;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/**
 * Checks the values of the options.
 *
 * @throws RealtimeError `invalid_config` for a URL or a secret that is invalid, for an unknown name in `ask` or `tell`, and if both
 *   are empty.
 */
export function checkCallbackOptions({ url, secret, ask = [], tell = [] }: CallbackOptions): void {
  if (!URL.canParse(url)) throw invalid("callbacks.url must be a URL.");
  if (secretBytes(secret) === undefined) {
    throw invalid(`callbacks.secret must be ${SECRET_RULE}.`);
  }
  refuseUnknownNames("ask", ask, ASKS);
  refuseUnknownNames("tell", tell, TELLS);
  if (ask.length + tell.length > 0) return;
  throw invalid("callbacks has neither ask nor tell, so it would do nothing. Set one of them.");
}

function refuseUnknownNames(
  option: string,
  names: readonly string[],
  known: readonly string[],
): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw invalid(`callbacks.${option} has ${JSON.stringify(unknown)}. Use ${known.join(", ")}.`);
}

function invalid(message: string): RealtimeError {
  return new RealtimeError("invalid_config", message);
}
