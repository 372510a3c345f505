/**
 * The kinds of `RealtimeError`.
 *
 * - `unknown_client`: no connected client has the id
 * - `ip_mismatch`: the request comes from another network than the client's stream
 * - `identity_changed`: the client already has an identity, and the request has another one or none
 * - `unknown_token`: no verifier recognises the credential
 * - `refused_token`: the credential is not accepted, for example because it has expired or is for another audience
 * - `not_signed_in`: guests are not allowed to do this
 * - `not_allowed`: the caller has no right to do this
 * - `unavailable`: the credential can't be checked, because a service that the check needs can't be reached
 * - `callback_failed`: the backend (`callbacks`) gave no valid answer about the request
 * - `too_many_requests`: the address or identity has reached a limit; `retryAfter` may say when to try again
 * - `too_slow`: the request body did not arrive in time
 * - `body_already_read`: the request body was read before the request reached the service, for example by middleware
 * - `too_large`: a message or request body exceeds its limit
 * - `revoked`: the credential was issued before its subject was revoked
 * - `too_many_clients`: the server has reached its limit of clients or subscription keys
 * - `client_exists`: a connected client has the id
 * - `invalid_event`: an event name, id or data can't be written as SSE
 * - `id_reused`: a message has the id of an earlier message, but other content
 * - `invalid_input`: the input breaks a rule; `fields` may say which field breaks which rule
 * - `invalid_filter`: a filter or rule can't be parsed or evaluated; `position` says where
 * - `invalid_fields`: a `fields` option can't be read; `position` says where
 * - `unknown_cursor`: a cursor is of another log, or the messages after it have been trimmed
 * - `invalid_config`: a setting is wrong; the message names the setting
 * - `closed`: the server is stopping
 * - `unreachable`: a shard or the log can't be reached
 * - `storage_failed`: the log can't store messages, for example because the disk is full; `cause` is the database's error
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
  | "callback_failed"
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
  | "invalid_filter"
  | "invalid_fields"
  | "unknown_cursor"
  | "invalid_config"
  | "closed"
  | "unreachable"
  | "storage_failed";

/** Describes what is wrong with one field. `code` is a validation code in PocketBase's style; `message` says what to change. */
export interface FieldError {
  readonly code: string;
  readonly message: string;
}

/** The errors of several fields, by field name. The name of a list item is its index. */
export interface FieldErrors {
  readonly [field: string]: FieldError | FieldErrors;
}

/**
 * `pocketwire` and `pocketwire/cloudflare` are separate bundles, each with its own class `RealtimeError`. A property with this
 * name lets `instanceof` recognise the errors of both.
 */
const BRAND = Symbol.for("pocketwire.RealtimeError");

/**
 * An error with a code, which this package throws to its caller. A hook may throw one too, to refuse a request.
 *
 * @example
 * if (error instanceof RealtimeError && error.code === "closed") return;
 */
export class RealtimeError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass inherits this method. `instanceof` a subclass must not accept every RealtimeError.
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of `instanceof`
    const isSubclass = this !== RealtimeError;
    // biome-ignore lint/complexity/noThisInStatic: Error's method must run with the subclass as `this`
    if (isSubclass) return super[Symbol.hasInstance](value);
    return typeof value === "object" && value !== null && BRAND in value;
  }

  override readonly name = "RealtimeError";
  readonly [BRAND] = true;
  /** The kind of the error. */
  readonly code: RealtimeErrorCode;
  /**
   * The errors of single fields. May be set for `invalid_input`, `invalid_filter`, `invalid_fields` and `id_reused`; otherwise
   * empty.
   */
  readonly fields: FieldErrors;
  /** Seconds after which to try again; undefined if unknown. */
  readonly retryAfter: number | undefined;
  /** Index in the text of a filter, rule or `fields` option at which the error was found, in UTF-16 code units. */
  readonly position: number | undefined;
  /**
   * Set when publishing failed for a reason that passes: the ids of the messages, as the publisher knows them. The messages may have
   * been accepted. To send them again with these ids is safe, also for a publisher that set none.
   */
  readonly ids: readonly string[] | undefined;

  /** @param message Says what is wrong and what to do about it. The service may send the message to clients. */
  constructor(
    code: RealtimeErrorCode,
    message: string,
    options: {
      readonly fields?: FieldErrors;
      readonly cause?: unknown;
      readonly retryAfter?: number | undefined;
      readonly position?: number | undefined;
      readonly ids?: readonly string[] | undefined;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
    this.retryAfter = options.retryAfter;
    this.position = options.position;
    this.ids = options.ids;
  }
}
