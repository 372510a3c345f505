/**
 * What went wrong.
 *
 * - `unknown_client`: no such client here (any more)
 * - `ip_mismatch`: the request comes from another address than the stream
 * - `identity_changed`: the client is somebody else already
 * - `client_exists`: that client id is taken
 * - `invalid_event`: an SSE field can't carry this text
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
  | "client_exists"
  | "invalid_event"
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

/** The one error class of this package: `code` says which, `message` says what to do about it. */
export class RealtimeError extends Error {
  override readonly name = "RealtimeError";
  readonly code: RealtimeErrorCode;
  /** For `invalid_input`: what is wrong with which field. */
  readonly fields: FieldErrors;

  constructor(
    code: RealtimeErrorCode,
    message: string,
    options: { readonly fields?: FieldErrors; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }
}
