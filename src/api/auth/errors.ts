/** The errors with which a caller is refused. */
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";

/** 401 for a guest. @param action Completes "You must be signed in to", such as "subscribe". */
export function notSignedInError(action: string): RealtimeError {
  return new RealtimeError("not_signed_in", `You must be signed in to ${action}. Send a token.`);
}

/** 403 for a caller without the right. @param action Completes "You have no right to", such as "publish". */
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

/** 403 for a signed-in user at a route that needs the admin key. */
export function adminOnlyError(): RealtimeError {
  return new RealtimeError(
    "not_allowed",
    "This request needs the admin key. Send the admin key instead of a user's credential.",
  );
}

/** 401 for a guest at a route that needs the admin key. */
export function adminKeyError(): RealtimeError {
  return new RealtimeError(
    "not_signed_in",
    "The admin key is missing or wrong. Send it as Authorization: Bearer <admin key>.",
  );
}

/**
 * 401 for a guest that publishes.
 *
 * @param hasAdminKey Whether the server has an admin key.
 * @param canSignIn Whether the server accepts tokens or has an `authenticate` of its own.
 */
export function publisherError(hasAdminKey: boolean, canSignIn: boolean): RealtimeError {
  if (!canSignIn) return adminKeyError();
  if (!hasAdminKey) return notSignedInError("publish");
  return new RealtimeError(
    "not_signed_in",
    "Publishing needs the admin key or a user with the right to publish. Send the admin key or a token in Authorization.",
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
 * 401 for a token that a verifier recognises and does not accept: its claims are invalid or expired, or the introspection
 * endpoint refuses it.
 *
 * @param reason Completes "The token is refused:".
 * @param advice What the caller should do, as a sentence.
 */
export function refusedTokenError(reason: string, advice = "Sign in again."): RealtimeError {
  return new RealtimeError("refused_token", `The token is refused: ${reason}. ${advice}`);
}

/**
 * 503 when the key set or the introspection endpoint can't be reached, or its answer is malformed. The caller is never
 * downgraded to a guest.
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
