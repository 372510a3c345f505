import type { Context } from "hono";
import type { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type FieldErrors, RealtimeError, type RealtimeErrorCode } from "../realtime/errors.ts";
import type { Logger } from "../realtime/types.ts";

/** Seconds after which somebody we had to turn away should try again. */
const RETRY_AFTER_SECONDS = 5;

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
  too_many_requests: 429,
  too_many_clients: 503,
  too_slow: 408,
  body_already_read: 500,
  too_large: 413,
  client_exists: 500,
  id_reused: 409,
  invalid_event: 400,
  invalid_input: 400,
  unknown_cursor: 410,
  invalid_config: 500,
  closed: 503,
  unreachable: 503,
};

/** What an operator is to know of, although the client is told enough. */
const NOTED: Partial<Record<RealtimeErrorCode, string>> = {
  unreachable: "shard unreachable",
  unavailable: "credentials can't be checked",
  body_already_read: "request body already read",
};

/** An answer in PocketBase's error shape (tools/router/error.go, `ApiError`). */
export function errorResponse(
  c: Context,
  status: ContentfulStatusCode,
  message: string,
  data: FieldErrors = {},
  retryAfter?: number,
): Response {
  const isForNow = status === 503 || status === 429;
  if (isForNow) c.header("Retry-After", String(retryAfter ?? RETRY_AFTER_SECONDS));
  // Also where nothing of ours is, and so no middleware.
  c.header("X-Content-Type-Options", "nosniff");
  if (status === 401) c.header("WWW-Authenticate", 'Bearer realm="pocketwire"');
  // A body that arrives slowly is not waited for. After a 413 the client is still sending: a server that closes the connection
  // at once resets it, and the answer is lost. So the server discards the rest, up to a bound of its own: 64 MiB or half a
  // second (@hono/node-server, `drainIncoming`), 128 MiB (Bun, `maxRequestBodySize`).
  if (status === 408) c.header("Connection", "close");
  return c.json({ status, message, data }, status);
}

/** The app that this is mounted in may have a Hono, and so a class HTTPException, of its own. Hono's check is this one. */
export function isHTTPException(error: unknown): error is HTTPException {
  return error instanceof Error && "getResponse" in error && "status" in error;
}

/** Turns whatever a handler threw into an answer. What we did not foresee is logged, and the client told nothing of it. */
export function handleError(error: unknown, c: Context, logger: Logger): Response {
  if (error instanceof RealtimeError && NOTED[error.code] !== undefined) {
    const said = { path: c.req.path, error: String(error.cause) };
    logger.error(NOTED[error.code] as string, said);
  }
  if (error instanceof RealtimeError && (STATUS[error.code] !== 500 || error.code in NOTED)) {
    const { code, message, fields, retryAfter } = error;
    return errorResponse(c, STATUS[code], message, fields, retryAfter);
  }
  if (isHTTPException(error)) {
    return errorResponse(c, error.status as ContentfulStatusCode, error.message);
  }
  // Its client has gone: what failed is that there was nobody left to read from.
  const level = c.req.raw.signal.aborted ? "debug" : "error";
  logger[level]("request failed", {
    method: c.req.method,
    path: c.req.path,
    error: error instanceof Error ? error.stack || String(error) : String(error),
  });
  return errorResponse(c, 500, "Something went wrong while processing your request.");
}
