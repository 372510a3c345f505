/** How a caller is refused. */
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";

export function notSignedInError(what: string): RealtimeError {
  return new RealtimeError("not_signed_in", `You must be signed in to ${what}. Send a token.`);
}

export function notAllowedError(what: string): RealtimeError {
  return new RealtimeError("not_allowed", `You have no right to ${what}.`);
}

export function noAdminKeyError(): RealtimeError {
  return new RealtimeError(
    "not_allowed",
    "This is closed because no admin key is configured. Set REALTIME_ADMIN_KEY and start again.",
  );
}

export function adminKeyError(hasAdminKey: boolean): RealtimeError {
  return new RealtimeError(
    "not_signed_in",
    hasAdminKey
      ? "The admin key is missing or wrong. Send it as Authorization: Bearer <REALTIME_ADMIN_KEY>."
      : "You must be signed in to publish. Send a token.",
  );
}

export function hasErrorCode(error: unknown, code: RealtimeErrorCode): boolean {
  return error instanceof RealtimeError && error.code === code;
}
