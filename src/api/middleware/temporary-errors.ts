import type { Context, Handler, MiddlewareHandler } from "hono";
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { STREAM_HEADERS } from "../../stream/headers.ts";
import { formatRetry, RETRY_RANGES, spreadRetry } from "../../stream/retry.ts";
import type { ServerContext } from "../context.ts";
import { isHTTPException } from "../error-response.ts";
import { spanOf } from "./trace-request.ts";

/**
 * Errors after which the same request may succeed later, with the minimum time until the client should reconnect. An error's
 * `retryAfter` replaces this time.
 */
const TEMPORARY: Partial<Record<RealtimeErrorCode, Milliseconds>> = {
  closed: RETRY_RANGES.shutdown.min,
  unreachable: RETRY_RANGES.shutdown.min,
  unavailable: 2000,
  callback_failed: 2000,
  storage_failed: 5000,
  too_many_requests: 5000,
  too_many_clients: 5000,
};

/** Whether the same request may succeed later. */
export function isTemporary(code: RealtimeErrorCode): boolean {
  return TEMPORARY[code] !== undefined;
}

/** Temporary errors by the status of an HTTPException that the embedding app throws in `authenticate` or a hook. */
const TEMPORARY_STATUS: Readonly<Record<number, RealtimeErrorCode>> = {
  429: "too_many_requests",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

function asTemporary(error: unknown): RealtimeError | undefined {
  if (error instanceof RealtimeError) return isTemporary(error.code) ? error : undefined;
  if (!isHTTPException(error)) return undefined;
  const code = TEMPORARY_STATUS[error.status];
  return code && new RealtimeError(code, error.message);
}

/**
 * Makes a wrapper for handlers and middleware of the stream's path. When a wrapped handler throws a temporary error, the
 * response is a stream that asks the client to reconnect: status 200, a comment with the reason, `retry:`, and the end. An
 * EventSource would give up for good at any other status (WHATWG HTML, "Server-sent events", "fail the connection").
 *
 * Other errors pass, and so do errors of methods other than GET.
 */
export function createTemporaryErrorHandler({
  logger,
  streams,
}: Pick<ServerContext, "logger" | "streams">): (handler: Handler | MiddlewareHandler) => Handler {
  return (handler) => async (c, next) => {
    try {
      return await handler(c, next);
    } catch (error) {
      const temporary = c.req.method === "GET" ? asTemporary(error) : undefined;
      if (temporary === undefined) throw error;
      const { code, message: reason, cause } = temporary;
      const detail = cause === undefined ? undefined : String(cause);
      logger.warn("streams are refused for now", { code, reason, error: detail });
      spanOf(c)?.fail(temporary);
      return askToReconnect(c, temporary, streams.count);
    }
  };
}

/** @param clients Clients that may reconnect at the same time. The more there are, the wider their times are spread. */
function askToReconnect(c: Context, error: RealtimeError, clients: number): Response {
  const { code, message, retryAfter } = error;
  const min = retryAfter === undefined ? (TEMPORARY[code] ?? 0) : retryAfter * 1000;
  const range = { min, max: min + RETRY_RANGES.shutdown.max - RETRY_RANGES.shutdown.min };
  // No empty line after the comment: several client libraries take such a block for an empty event.
  const reason = `: ${message.replaceAll(/[\r\n]+/g, " ")}\n`;
  return c.body(reason + formatRetry(spreadRetry(range, clients)), 200, STREAM_HEADERS);
}
