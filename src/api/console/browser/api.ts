/** Requests to the service. */
export type API = ReturnType<typeof createAPI>;

/** The error of a field of a request. */
export interface FieldError {
  /** The names and indexes that lead to the field: `["0", "topic"]`. */
  readonly path: readonly string[];
  readonly code: string;
  readonly message: string;
}

/** Why a request failed. It is the `cause` of the error that `request` throws. */
export interface Refusal {
  /** 0 if the service does not answer. */
  readonly status: number;
  /** What is wrong and what to do, in full sentences. */
  readonly message: string;
  readonly fields: readonly FieldError[];
}

export function createAPI() {
  const base = location.pathname.replace(/\/$/, "");
  const path = `${base}/api/realtime`;
  let key = "";

  const fail = (refusal: Refusal): never => {
    throw new Error(refusal.message, { cause: refusal });
  };

  /** The errors of fields in `data` of a response. They may be nested: by the index of a message, and by a field of a field. */
  const readFields = (data: unknown, path: readonly string[] = []): FieldError[] => {
    if (typeof data !== "object" || data === null) return [];
    const { code, message } = data as Partial<FieldError>;
    if (typeof code === "string" && typeof message === "string") return [{ path, code, message }];
    return Object.entries(data).flatMap(([name, value]) => readFields(value, [...path, name]));
  };

  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  };

  const refuse = async (response: Response): Promise<never> => {
    const body = (parse(await response.text()) ?? {}) as { message?: string; data?: unknown };
    const fields = readFields(body.data);
    const wait = response.headers.get("Retry-After");
    // The service's message names only the first field. If several fields are wrong, the text names each of them.
    const text =
      fields.length > 1
        ? fields.map((field) => `${field.path.join(".")}: ${field.message}`).join(" ")
        : body.message;
    const { status } = response;
    const message = text || `The service answered with the status ${status}.`;
    const retry = status === 429 && wait ? ` Try again in ${wait} seconds.` : "";
    return fail({ status, message: message + retry, fields });
  };

  /**
   * Sends a request with the key.
   *
   * @throws Error with a `Refusal` as its cause.
   */
  const open = async (suffix: string, init: RequestInit = {}): Promise<Response> => {
    const authorization = key === "" ? {} : { Authorization: `Bearer ${key}` };
    const headers = { ...authorization, ...init.headers };
    let response: Response;
    try {
      response = await fetch(path + suffix, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      const message = "The service does not answer. Check that it runs.";
      return fail({ status: 0, message, fields: [] });
    }
    return response.ok ? response : refuse(response);
  };

  const request = async (suffix: string, init?: RequestInit): Promise<unknown> => {
    const response = await open(suffix, init);
    return parse(await response.text().catch(() => ""));
  };

  const post = (suffix: string, body: unknown): Promise<unknown> =>
    request(suffix, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  /** Why a request failed. */
  const refusalOf = (error: unknown): Refusal =>
    ((error as Error).cause as Refusal | undefined) ?? {
      status: 0,
      message: (error as Error).message,
      fields: [],
    };

  return {
    /** The path that the console is mounted at, without a slash at its end. */
    base,
    url: `${location.origin}${path}`,
    open,
    request,
    post,
    refusalOf,
    setKey: (value: string): void => {
      key = value;
    },
    hasKey: (): boolean => key !== "",
  };
}
