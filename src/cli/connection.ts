/** The URL and the credential of a service, and requests to it. */
import { isLoopback } from "../api/auth/loopback.ts";
import { readDevVars } from "../runtimes/process/settings.ts";
import { text, UsageError } from "./flags.ts";
import { OK, parseLoosely, printError } from "./output.ts";

/** The flags of every command that talks to a service. */
export const CONNECTION_FLAGS = { url: text, key: text };

interface Connection {
  /** URL of the realtime API, without a slash at its end. */
  readonly api: string;
  /** `Authorization`, if there is a key. */
  readonly headers: Readonly<Record<string, string>>;
}

interface ConnectionValues {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Reads URL and key from flags and environment. The development key of `.dev.vars` is sent to this machine only.
 *
 * @throws UsageError for an invalid URL.
 */
export function readConnection(values: ConnectionValues): Connection {
  const url = values.url || process.env.POCKETWIRE_URL || "http://127.0.0.1:8090";
  // `localhost:8090` is a URL too, with the scheme `localhost`.
  if (!/^https?:/i.test(url) || !URL.canParse(url)) {
    throw new UsageError(
      `--url or POCKETWIRE_URL must be a URL that begins with http:// or https://; it was "${url}".`,
    );
  }
  const { hostname, protocol } = new URL(url);
  const isLocal = isLoopback(hostname);
  const key = values.key || process.env.REALTIME_ADMIN_KEY;
  if (key && !isLocal && protocol === "http:") {
    printError(`The key is sent to ${hostname} unencrypted. Use https.\n`, OK);
  }
  const credential = key || (isLocal ? readDevVars().REALTIME_ADMIN_KEY : undefined);
  return {
    api: `${url.replace(/\/+$/, "")}/api/realtime`,
    headers: credential ? { Authorization: `Bearer ${credential}` } : {},
  };
}

/**
 * Sends a request to the API.
 *
 * @param field Name of a field in the body of the response.
 * @returns The value of the field.
 * @throws RefusedRequest when the service refuses the request, or responds without the field.
 * @throws Error when the service can't be reached.
 */
export async function send(
  values: ConnectionValues,
  field: string,
  path: string,
  { headers, ...init }: { method: string; body?: string; headers?: Record<string, string> },
): Promise<unknown> {
  const connection = readConnection(values);
  const { api } = connection;
  const response = await fetch(api + path, {
    ...init,
    headers: { ...connection.headers, ...headers },
  }).catch((error: Error) => {
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(`${api} can't be reached: ${reason}`);
  });
  const body = await response.text();
  const answer = response.ok ? parseLoosely(body) : undefined;
  const value =
    typeof answer === "object" && answer !== null
      ? Object.entries(answer).find(([name]) => name === field)?.[1]
      : undefined;
  if (value === undefined) throw new RefusedRequest(response, body);
  return value;
}

/** The error of a request that the service has refused. */
export class RefusedRequest extends Error {
  readonly status: number;
  /** Seconds until the next request. */
  readonly retryAfter: number;

  constructor({ status, headers }: Response, body: string) {
    super(describeRefusal(status, body));
    this.status = status;
    this.retryAfter = Number(headers.get("Retry-After") ?? 0) || 0;
  }
}

/** Status and message of an error response, such as `403: You have no right to publish.` */
export function describeRefusal(status: number, body: string): string {
  const answer = parseLoosely(body);
  const message =
    typeof answer === "object" && answer !== null && "message" in answer
      ? answer.message
      : "this is not a response of Pocketwire; check --url";
  return `${status}: ${message}`;
}
