import type { IncomingMessage } from "node:http";
import { type JSONAnswer, type JSONServer, startJSONServer } from "../json-server.ts";

/** A message that the hooks have sent. */
export interface Sent {
  readonly id: string;
  readonly collection: Readonly<Record<string, unknown>>;
  readonly action: string;
  readonly record: Readonly<Record<string, unknown>>;
  readonly previous?: Readonly<Record<string, unknown>>;
  readonly private?: boolean;
}

/** In place of Pocketwire: answers as the test says, and keeps what it has accepted. */
export interface Target extends JSONServer {
  /** The messages of every request, in order. */
  readonly batches: readonly (readonly Sent[])[];
  /** The messages of the requests that were answered with 200. */
  readonly accepted: readonly Sent[];
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
};

const targets: Target[] = [];

/** Ends the targets of a test. */
export async function closeTargets(): Promise<void> {
  for (const target of targets.splice(0)) await target.close();
}

/** @param refuse The answer to a request, undefined to accept its messages. `count` is the number of requests before it. */
export async function startTarget(
  refuse: (messages: readonly Sent[], count: number) => JSONAnswer | undefined = () => undefined,
): Promise<Target> {
  const batches: (readonly Sent[])[] = [];
  const accepted: Sent[] = [];
  const server = await startJSONServer(async (request) => {
    const messages: readonly Sent[] = JSON.parse(await bodyOf(request));
    const refusal = refuse(messages, batches.length);
    batches.push(messages);
    if (refusal !== undefined) return refusal;
    accepted.push(...messages);
    return { body: messages.map(({ id }) => ({ id })) };
  });
  const target = { ...server, batches, accepted };
  targets.push(target);
  return target;
}

/** An error as Pocketwire writes it. */
export function refusal(status: number, message: string, data: unknown = {}): JSONAnswer {
  return { status, body: { status, message, data } };
}
