/** A backend that gets the questions and events of the service. It checks every signature with Node's own HMAC. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const KEY = Buffer.from("a key of the tests, 32 bytes lon");
/** The secret of the service and the backend. */
export const CALLBACK_SECRET = `whsec_${KEY.toString("base64")}`;

/** The body of a request: a question, or a batch of events. */
export type CallbackBody = Readonly<Record<string, unknown>>;

/** Answers a request. A returned object is sent as JSON; without one, the function has used `response` itself. */
export type BackendAnswer = (
  body: CallbackBody,
  response: ServerResponse,
  request: IncomingMessage,
) => object | undefined | Promise<object | undefined>;

export interface CallbackBackend {
  readonly url: string;
  /** The bodies of all requests. */
  readonly bodies: readonly CallbackBody[];
  /** `webhook-id` of all requests. */
  readonly ids: readonly string[];
  /** What was wrong with the signatures. */
  readonly faults: readonly string[];
  answer: BackendAnswer;
  close(): Promise<void>;
}

/** Starts a backend on a free port of this machine. */
export async function startBackend(answer: BackendAnswer = allow): Promise<CallbackBackend> {
  const bodies: CallbackBody[] = [];
  const ids: string[] = [];
  const faults: string[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const fault = faultOf(request, text);
    if (fault !== undefined) faults.push(fault);
    const body = JSON.parse(text) as CallbackBody;
    bodies.push(body);
    ids.push(String(request.headers["webhook-id"]));
    const sent = await backend.answer(body, response, request);
    if (sent !== undefined) response.end(JSON.stringify(sent));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=hidden`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const backend: CallbackBackend = { url, bodies, ids, faults, answer, close };
  return backend;
}

/** Allows everything. */
export function allow(): object {
  return { allow: true };
}

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function faultOf({ method, headers }: IncomingMessage, body: string): string | undefined {
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = headers;
  if (method !== "POST" || headers["content-type"] !== "application/json")
    return "not a POST of JSON";
  if (Math.abs(Number(time) - Date.now() / 1000) > 60) return `the time is ${time}`;
  const expected = createHmac("sha256", KEY).update(`${id}.${time}.${body}`).digest("base64");
  return signature === `v1,${expected}` ? undefined : `the signature is ${signature}`;
}
