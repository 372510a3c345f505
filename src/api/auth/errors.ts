/** The errors with which a caller is refused. */
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";

/** 401 for a guest. @param action Completes "You must be signed in to". */
export function notSignedInError(action: string): RealtimeError {
  return new RealtimeError("not_signed_in", `You must be signed in to ${action}. Send a token.`);
}

/** 403 for an identified caller who has no right to the action. @param action Completes "You have no right to". */
export function notAllowedError(action: string): RealtimeError {
  return new RealtimeError("not_allowed", `You have no right to ${action}.`);
}

/** 403 for routes that stay closed until an admin key is configured. */
export function noAdminKeyError(): RealtimeError {
  return new RealtimeError(
    "not_allowed",
    "This request needs the admin key, and the server has none. Set the option adminKey and restart the server.",
  );
}

/**
 * 401 for a guest where the admin key is needed. A server without an admin key accepts tokens only, so the message asks for one.
 *
 * @param hasAdminKey Whether the server has an admin key.
 */
export function adminKeyError(hasAdminKey: boolean): RealtimeError {
  if (!hasAdminKey) return notSignedInError("publish");
  return new RealtimeError(
    "not_signed_in",
    "The admin key is missing or wrong. Send it as Authorization: Bearer <admin key>.",
  );
}

/** 401 for a token that no verifier recognises. */
export function unknownTokenError(): RealtimeError {
  return new RealtimeError(
    "unknown_token",
    "The token is malformed, or it is signed with a key or an algorithm that this server does not accept.",
  );
}

/**
 * 401 for a token that was verified, or checked with its issuer, and is not accepted.
 *
 * @param reason Completes "The token is refused:".
 */
export function refusedTokenError(reason: string): RealtimeError {
  return new RealtimeError("refused_token", `The token is refused: ${reason}. Send a new token.`);
}

/**
 * 503 when the key set or the introspection endpoint can't be reached, or gives no usable answer. The caller is not treated as a
 * guest.
 */
export function tokensUnavailableError(cause: unknown): RealtimeError {
  return new RealtimeError("unavailable", "Tokens can't be checked right now. Try again soon.", {
    cause,
  });
}

/** Whether an error is a `RealtimeError` with this code. */
export function hasErrorCode(error: unknown, code: RealtimeErrorCode): error is RealtimeError {
  return error instanceof RealtimeError && error.code === code;
}
