import { RealtimeError } from "../realtime/errors.ts";

/**
 * Creates the error for a failed write to a log on disk.
 *
 * @param cause The database's error. It is logged, and not sent to clients.
 */
export function storageFailed(cause: unknown): RealtimeError {
  return new RealtimeError(
    "storage_failed",
    "The service can't write to its disk, so nothing was stored. Try again soon.",
    { cause },
  );
}
