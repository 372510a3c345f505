/**
 * Refusals of a stream for a temporary reason. An EventSource gives up for good at every status but 200 (WHATWG HTML, "Server-sent
 * events", "fail the connection"), so the answer is 200 with `retry:`, and ends.
 */
import type { Context, Handler } from "hono";
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";
import type { Logger } from "../../realtime/types.ts";
import type { ActiveStreams } from "../../stream/active-streams.ts";
import { formatRetry, RETRY_RANGES, spreadRetry } from "../../stream/retry.ts";
import { STREAM_HEADERS } from "../../stream/session.ts";
import { isHTTPException } from "../error-response.ts";

/** Errors after which the same request may succeed later, with the shortest wait before that, in milliseconds. */
const TEMPORARY: Partial<Record<RealtimeErrorCode, number>> = {
  closed: RETRY_RANGES.shutdown.least,
  unreachable: RETRY_RANGES.shutdown.least,
  unavailable: 2000,
  too_many_requests: 5000,
  too_many_clients: 5000,
};

/** Whether the same request may succeed later. */
export function isTemporary(code: RealtimeErrorCode): boolean {
  return TEMPORARY[code] !== undefined;
}

/** Statuses of an embedding app's HTTPException, thrown by `authenticate` or by a hook, that pass likewise. */
const TEMPORARY_STATUS: Readonly<Record<number, RealtimeErrorCode>> = {
  429: "too_many_requests",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** The error as a RealtimeError, if the same request may succeed later. */
function asTemporary(error: unknown): RealtimeError | undefined {
  if (error instanceof RealtimeError) return isTemporary(error.code) ? error : undefined;
  const code = isHTTPException(error) ? TEMPORARY_STATUS[error.status] : undefined;
  return code && new RealtimeError(code, (error as Error).message);
}

export interface RefusalOptions {
  readonly logger: Logger;
  readonly streams: ActiveStreams;
}

/**
 * Wraps handlers of the stream's address. A temporary error that they throw becomes a stream that asks its client to come back.
 * Other errors, and other methods than GET, are left alone.
 */
export function createTemporaryErrorHandler({
  logger,
  streams,
}: RefusalOptions): (handler: Handler) => Handler {
  return (handler) => async (c, next) => {
    try {
      return await handler(c, next);
    } catch (error) {
      const temporary = c.req.method === "GET" ? asTemporary(error) : undefined;
      if (temporary === undefined) throw error;
      const { code, message: reason, cause } = temporary;
      const told = cause === undefined ? undefined : String(cause);
      logger.warn("streams are refused for now", { code, reason, error: told });
      return refuseForNow(c, temporary, streams.count);
    }
  };
}

function refuseForNow(c: Context, error: RealtimeError, clients: number): Response {
  const { code, message, retryAfter } = error;
  const least = retryAfter === undefined ? (TEMPORARY[code] ?? 0) : retryAfter * 1000;
  const range = { least, most: least + RETRY_RANGES.shutdown.most - RETRY_RANGES.shutdown.least };
  // No empty line after the comment: several libraries read such a block as an empty event.
  const reason = `: ${message.replaceAll(/[\r\n]+/g, " ")}\n`;
  return c.body(reason + formatRetry(spreadRetry(range, clients)), 200, STREAM_HEADERS);
}
