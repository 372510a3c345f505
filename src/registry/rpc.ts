import { type FieldErrors, RealtimeError, type RealtimeErrorCode } from "../realtime/errors.ts";

/**
 * The result of a call to a hub or to another process. A `RealtimeError` is sent as data: the RPC of Workers sends only the
 * message of an exception.
 */
export type RpcResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: RealtimeErrorCode;
      readonly message: string;
      readonly fields: FieldErrors;
      readonly retryAfter?: number | undefined;
      readonly position?: number | undefined;
    };

/** Runs a call for another process. A `RealtimeError` becomes a result, any other exception is rethrown. */
export async function toRpcResult<T>(run: () => T | Promise<T>): Promise<RpcResult<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    const { code, message, fields, retryAfter, position } = error;
    return { ok: false, code, message, fields, retryAfter, position };
  }
}

/**
 * Returns the value of a result.
 *
 * @throws RealtimeError if the result has an error.
 */
export function fromRpcResult<T>(result: RpcResult<T>): T {
  if (result.ok) return result.value;
  const { code, message, ...details } = result;
  throw new RealtimeError(code, message, details);
}
