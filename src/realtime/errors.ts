/**
 * The kinds of `RealtimeError`.
 *
 * - `unknown_client`: no connected client has the id
 * - `ip_mismatch`: the request comes from another network than the client's stream
 * - `identity_changed`: the client already has another identity
 * - `unknown_token`: no verifier recognises the credential
 * - `refused_token`: the credential is genuine but not accepted: it has expired, is for another audience, …
 * - `not_signed_in`: guests may not do this
 * - `not_allowed`: the caller has no right to do this
 * - `unavailable`: the credential can't be checked, because a service that is needed for it can't be reached
 * - `too_many_requests`: a limit of the address or identity is reached; `retryAfter` may say when to try again
 * - `too_slow`: the request body did not arrive in time
 * - `body_already_read`: middleware before the service has read the request body
 * - `too_large`: a message or request body exceeds its limit
 * - `revoked`: the credential was issued before its subject was revoked
 * - `too_many_clients`: the server has reached its limit of clients or subscription keys
 * - `client_exists`: a connected client has the id
 * - `invalid_event`: an event name, id or data can't be written as SSE
 * - `id_reused`: a message has the id of an earlier message with other content
 * - `invalid_input`: the input breaks a rule; `fields` may say which field breaks which rule
 * - `unknown_cursor`: the log does not have the position of a cursor, or no longer has it
 * - `invalid_config`: a setting is wrong; the message names the setting
 * - `closed`: the server is stopping
 * - `unreachable`: a shard could not be reached in several attempts
 */
export type RealtimeErrorCode =
  | "unknown_client"
  | "ip_mismatch"
  | "identity_changed"
  | "unknown_token"
  | "refused_token"
  | "not_signed_in"
  | "not_allowed"
  | "unavailable"
  | "too_many_requests"
  | "too_slow"
  | "body_already_read"
  | "too_large"
  | "revoked"
  | "too_many_clients"
  | "client_exists"
  | "invalid_event"
  | "id_reused"
  | "invalid_input"
  | "unknown_cursor"
  | "invalid_config"
  | "closed"
  | "unreachable";

/** What is wrong with one field. `code` is a validation code as PocketBase has them, `message` says what to change. */
export interface FieldError {
  readonly code: string;
  readonly message: string;
}

/** What is wrong, by field. The items of a list have their index as name. */
export interface FieldErrors {
  readonly [field: string]: FieldError | FieldErrors;
}

/**
 * `pocketwire` and `pocketwire/cloudflare` are separate bundles, each with its own class `RealtimeError`. A property with this
 * name lets `instanceof` recognise the errors of both.
 */
const BRAND = Symbol.for("pocketwire.RealtimeError");

/**
 * Every error that this package throws on purpose.
 *
 * @example
 * if (error instanceof RealtimeError && error.code === "closed") return;
 */
export class RealtimeError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass inherits this method. `instanceof` a subclass must not accept every RealtimeError.
    // biome-ignore lint/complexity/noThisInStatic: it is the class on the right of `instanceof`
    const isSubclass = this !== RealtimeError;
    // biome-ignore lint/complexity/noThisInStatic: the subclass is asked, not Error
    if (isSubclass) return super[Symbol.hasInstance](value);
    return typeof value === "object" && value !== null && BRAND in value;
  }

  override readonly name = "RealtimeError";
  readonly [BRAND] = true;
  /** Which kind of error this is. */
  readonly code: RealtimeErrorCode;
  /** For `invalid_input`: what is wrong with which field. Otherwise empty. */
  readonly fields: FieldErrors;
  /** After how many seconds to try again, if that is known. */
  readonly retryAfter: number | undefined;

  /** @param message Says what is wrong and what to do about it. It may be shown to clients. */
  constructor(
    code: RealtimeErrorCode,
    message: string,
    options: {
      readonly fields?: FieldErrors;
      readonly cause?: unknown;
      readonly retryAfter?: number;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
    this.retryAfter = options.retryAfter;
  }
}
