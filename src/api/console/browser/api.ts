import type { Dom } from "./dom.ts";

/** Requests to the service. */
export type API = ReturnType<typeof createAPI>;

/** The error of a field of a request. */
export interface FieldError {
  readonly code: string;
  readonly message: string;
}

/** One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function createAPI({ find }: Dom) {
  const base = location.pathname.replace(/\/$/, "");
  const path = `${base}/api/realtime`;
  const keyField = find<HTMLInputElement>("#key");
  let refusedKey = "";

  interface ErrorBody {
    readonly message?: string;
    readonly data?: Record<string, Partial<FieldError>>;
  }

  /**
   * @throws Error with the status, the message and the error of each field. Its cause is `data` of the response. If the
   *   response is not JSON, the error has only the status.
   */
  const request = async (suffix: string, init: RequestInit = {}): Promise<unknown> => {
    const key = keyField.value;
    const authorization = key === "" ? {} : { Authorization: `Bearer ${key}` };
    const response = await fetch(path + suffix, {
      ...init,
      headers: { ...authorization, ...init.headers },
    });
    const text = await response.text();
    let value: unknown;
    try {
      value = text === "" ? undefined : JSON.parse(text);
    } catch {
      throw new Error(`${response.status}: the response is not JSON`);
    }
    if (response.ok) return value;
    if (response.status === 401 || response.status === 403) refusedKey = key;
    // The cast: `JSON.parse` returns a value without a type. Both fields have a default, since a proxy may send an error of
    // another shape.
    const { message = "", data = {} } = (value ?? {}) as ErrorBody;
    const fields = Object.entries(data).map(([field, error]) =>
      error?.message ? ` ${field}: ${error.message}` : "",
    );
    throw new Error(`${response.status} ${message}${fields.join("")}`, { cause: data });
  };

  const post = (suffix: string, body: unknown): Promise<unknown> =>
    request(suffix, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  return {
    /** The path that the console is mounted at, without a slash at its end. */
    base,
    path,
    url: `${location.origin}${path}`,
    request,
    post,
    hasKey: () => keyField.value !== "",
    /** Whether the service has refused the key in the field. */
    isKeyRefused: () => keyField.value === refusedKey,
  };
}
