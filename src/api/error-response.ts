import type { Context } from "hono";
import type { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type FieldErrors, RealtimeError, type RealtimeErrorCode } from "../realtime/errors.ts";
import type { Logger } from "../realtime/types.ts";

/** Seconds in `Retry-After` where the error has no `retryAfter`. */
const RETRY_AFTER_SECONDS = 5;

/** The HTTP status of each error. */
const STATUS: Record<RealtimeErrorCode, ContentfulStatusCode> = {
  unknown_client: 404,
  ip_mismatch: 400,
  identity_changed: 403,
  unknown_token: 401,
  refused_token: 401,
  not_signed_in: 401,
  revoked: 401,
  not_allowed: 403,
  unavailable: 503,
  callback_failed: 503,
  too_many_requests: 429,
  too_many_clients: 503,
  too_slow: 408,
  body_already_read: 500,
  too_large: 413,
  client_exists: 500,
  id_reused: 409,
  invalid_event: 400,
  invalid_input: 400,
  invalid_filter: 400,
  invalid_fields: 400,
  unknown_cursor: 410,
  invalid_config: 500,
  closed: 503,
  unreachable: 503,
  storage_failed: 503,
};

/** Log messages for errors whose cause the operator must fix. The client gets the error as usual. */
const LOG_MESSAGES: Partial<Record<RealtimeErrorCode, string>> = {
  unreachable: "shard or Redis unreachable",
  unavailable: "credentials can't be checked",
  callback_failed: "callback failed",
  body_already_read: "request body already read",
};

/**
 * An error response in PocketBase's shape (tools/router/error.go, `ApiError`).
 *
 * @param data The errors of fields.
 * @param retryAfter Seconds, for status 429 and 503. Default 5.
 * @param ids `RealtimeError.ids`.
 */
export function errorResponse(
  c: Context,
  status: ContentfulStatusCode,
  message: string,
  data: FieldErrors = {},
  retryAfter: number = RETRY_AFTER_SECONDS,
  ids?: readonly string[] | undefined,
): Response {
  if (status === 503 || status === 429) c.header("Retry-After", String(retryAfter));
  // Middleware sets this header only for the service's own paths, and an error may be about another path.
  c.header("X-Content-Type-Options", "nosniff");
  if (status === 401) c.header("WWW-Authenticate", 'Bearer realm="pocketwire"');
  // After a 408 the server does not wait for the rest of the body. After a 413 the client is still sending: a server that
  // closes the connection at once resets it, and the client loses the response. So the connection stays open, and the server
  // discards the rest: up to 64 MiB or half a second (@hono/node-server, `drainIncoming`), 128 MiB (Bun, `maxRequestBodySize`).
  if (status === 408) c.header("Connection", "close");
  return c.json({ status, message, data, ids }, status);
}

/**
 * Whether an error is Hono's HTTPException. An app that mounts the service may have a Hono of its own, and so another class:
 * `instanceof` would miss it. Hono itself checks for `getResponse` in the same way.
 */
export function isHTTPException(error: unknown): error is HTTPException {
  return error instanceof Error && "getResponse" in error && "status" in error;
}

/** Turns an error that a handler threw into a response. An unexpected error is logged, and the client gets no detail of it. */
export function handleError(error: unknown, c: Context, logger: Logger): Response {
  if (error instanceof RealtimeError) {
    const { code, message, fields, retryAfter, cause, ids } = error;
    const logMessage = LOG_MESSAGES[code];
    if (logMessage !== undefined)
      logger.error(logMessage, { path: c.req.path, error: String(cause) });
    if (STATUS[code] !== 500 || logMessage !== undefined) {
      return errorResponse(c, STATUS[code], message, fields, retryAfter, ids);
    }
  }
  if (isHTTPException(error)) {
    // An HTTPException may have any status; the type of `c.json` excludes statuses without a body.
    return errorResponse(c, error.status as ContentfulStatusCode, error.message);
  }
  // When the client has left, reading its request fails: nothing is wrong with the service.
  const level = c.req.raw.signal.aborted ? "debug" : "error";
  logger[level]("request failed", {
    method: c.req.method,
    path: c.req.path,
    error: error instanceof Error ? error.stack || String(error) : String(error),
  });
  return errorResponse(c, 500, "Something went wrong while processing your request.");
}

/** The response to a path without a route. */
export function notFoundResponse(c: Context): Response {
  return errorResponse(c, 404, "There is nothing at this path.");
}
