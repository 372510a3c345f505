/**
 * What went wrong.
 *
 * - `unknown_client`: no such client here (any more)
 * - `ip_mismatch`: the request comes from another address than the stream
 * - `identity_changed`: the client is somebody else already
 * - `unknown_token`: a credential that nobody here can tell anything of
 * - `refused_token`: a credential that was signed as it should be, and does not count: it has expired, is for others, ...
 * - `not_signed_in`: guests may not do this
 * - `not_allowed`: whoever asks has no right to this
 * - `unavailable`: what is needed to check a credential can't be reached, so nobody is let in
 * - `too_many_requests`: more than the limit says; `retryAfter` says when to come again
 * - `too_slow`: the request did not arrive in time
 * - `body_already_read`: code in front of the service has read the request's body
 * - `too_large`: a message is larger than the limit says
 * - `revoked`: the credential was made before its subject was revoked
 * - `too_many_clients`: the server has as many as it takes
 * - `client_exists`: that client id is taken
 * - `invalid_event`: an SSE field can't carry this text
 * - `id_reused`: a message has the id of an earlier message and other content
 * - `invalid_input`: what was sent breaks a rule; `fields` says which
 * - `unknown_cursor`: the log does not have, or no longer has, the place that a cursor names
 * - `invalid_config`: a setting is wrong; the message names it
 * - `closed`: the server is stopping
 * - `unreachable`: a shard could not be reached, though it was tried more than once
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

/** One field's fault, in PocketBase's words (`code`) and ours (`message`). */
export interface FieldError {
  readonly code: string;
  readonly message: string;
}

/** Faults by field; the items of a list are keyed by their index. */
export interface FieldErrors {
  readonly [field: string]: FieldError | FieldErrors;
}

/**
 * `pocketwire` and `pocketwire/cloudflare` are bundles with a class each. The mark lets `instanceof` recognise the errors of
 * either class in both bundles.
 */
const MARK = Symbol.for("pocketwire.RealtimeError");

/** The one error class of this package: `code` says which, `message` says what to do about it. */
export class RealtimeError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass inherits this method, and has its own instances only.
    // biome-ignore lint/complexity/noThisInStatic: it is the class on the right of `instanceof`
    const isSubclass = this !== RealtimeError;
    // biome-ignore lint/complexity/noThisInStatic: the subclass is asked, not Error
    if (isSubclass) return super[Symbol.hasInstance](value);
    return typeof value === "object" && value !== null && MARK in value;
  }

  override readonly name = "RealtimeError";
  readonly [MARK] = true;
  readonly code: RealtimeErrorCode;
  /** For `invalid_input`: what is wrong with which field. */
  readonly fields: FieldErrors;
  /** Seconds after which another try makes sense, where that is known. */
  readonly retryAfter: number | undefined;

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
