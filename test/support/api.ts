/** The service's HTTP interface as a backend and a page use it. */
import { keepSecret } from "./secrets.ts";

export const ADMIN_KEY: string = keepSecret("test-only-admin-key");

export interface Stats {
  readonly clients: number;
  readonly subscriptions: number;
  readonly topics: number;
  readonly startedAt: string;
  readonly accepted: number;
  readonly connects: number;
  readonly delivered: number;
  readonly replayed: number;
  readonly recovered: number;
  readonly unrecovered: number;
  readonly duplicate: number;
  readonly disconnects: Readonly<Record<string, number>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the fields of a response one by one
  readonly body: any;
}

export async function call(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url + path, init);
  const text = await response.text();
  const isJSON = response.headers.get("content-type")?.includes("json") === true;
  return {
    status: response.status,
    headers: response.headers,
    body: isJSON && text !== "" ? JSON.parse(text) : text,
  };
}

export function postJSON(
  url: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return call(url, path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

export function publish(url: string, messages: unknown, key: string = ADMIN_KEY): Promise<Answer> {
  return postJSON(url, "/api/realtime/messages", messages, { Authorization: `Bearer ${key}` });
}

export function setSubscriptions(
  url: string,
  clientId: string,
  subscriptions: readonly string[],
): Promise<Answer> {
  return postJSON(url, "/api/realtime", { clientId, subscriptions });
}

export async function readStats(url: string): Promise<Stats> {
  const { body } = await call(url, "/api/realtime/stats", {
    headers: { Authorization: `Bearer ${ADMIN_KEY}` },
  });
  return body as Stats;
}
