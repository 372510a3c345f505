import type { ConnectOptions, RealtimeClientError } from "./types.ts";

/** Sends a request to a path below `/api/realtime`. @throws RealtimeClientError unless the answer is 2xx. */
export type Send = (path: string, body?: unknown, token?: string | null) => Promise<Response>;

/** The answer of the service to a request that it refuses (docs/protocol.md, "Errors"). */
interface ErrorAnswer {
  readonly message?: string;
  readonly data?: unknown;
}

/** The longest time that a request may take, in milliseconds. */
const TIMEOUT = 30_000;

/** Creates an error with the properties of `RealtimeClientError`. */
export function createError(
  message: string,
  properties?: Partial<RealtimeClientError>,
): RealtimeClientError {
  return Object.assign(new Error(message), { status: 0 }, properties);
}

/** @param api Address of the service's `/api/realtime`. */
export function createSend(
  api: string,
  send: NonNullable<ConnectOptions["fetch"]>,
  credentials: RequestCredentials,
): Send {
  return async (path, body, token) => {
    const headers: Record<string, string> = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const response = await send(api + path, {
      method: body ? "POST" : "GET",
      headers,
      credentials,
      signal: AbortSignal.timeout(TIMEOUT),
      body: body ? JSON.stringify(body) : null,
    }).catch((cause) => {
      throw createError(`The service at ${api} does not answer.`, { cause });
    });
    if (response.ok) return response;
    const { message, data } = (await response.json().catch(() => ({}))) as ErrorAnswer;
    throw createError(message ?? `The service answered ${response.status}.`, {
      status: response.status,
      data,
      retryAfter: Number(response.headers.get("Retry-After")) * 1000 || 0,
    });
  };
}
