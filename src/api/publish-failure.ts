import { RealtimeError } from "../realtime/errors.ts";
import type { Message } from "../realtime/types.ts";

/** Adds the ids of the messages to an error after which they can be sent again (`RealtimeError.ids`). */
export function withMessageIds(error: unknown, messages: readonly Message[]): unknown {
  if (!(error instanceof RealtimeError)) return error;
  const { code, message, cause, retryAfter } = error;
  if (code !== "unreachable" && code !== "storage_failed" && code !== "closed") return error;
  return new RealtimeError(code, message, {
    cause,
    retryAfter,
    ids: messages.map(({ id }) => id),
  });
}
