import { createParser, type EventSourceMessage } from "eventsource-parser";
import { trackClient } from "./clients.ts";
import { eventually } from "./deadline.ts";

/** A stream that is read with an independent parser. */
export interface SSEClient {
  readonly response: Response;
  /** From the handshake's `id:` line, as the SDKs read it. */
  readonly clientId: string;
  /** Every event since the handshake, without the handshake and PB_CURSOR, which only carries an id. */
  readonly events: readonly EventSourceMessage[];
  readonly comments: readonly string[];
  /** `retry:` values, in milliseconds. */
  readonly retries: readonly number[];
  /** Settles when the server has ended the stream or the connection broke. */
  readonly ended: Promise<"end" | "broken">;
  /** Waits until there are `count` events and returns them. */
  receive(count: number, label?: string): Promise<readonly EventSourceMessage[]>;
  close(): void;
}

/** Opens a stream and reads its handshake. */
export async function openStream(
  url: string,
  init: RequestInit = {},
  query = "",
): Promise<SSEClient> {
  const abort = new AbortController();
  trackClient(() => abort.abort());
  const response = await fetch(`${url}/api/realtime${query}`, { ...init, signal: abort.signal });
  if (response.status !== 200 || response.body === null) {
    abort.abort();
    throw new Error(`GET /api/realtime answered ${response.status}`);
  }
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  const retries: number[] = [];
  const parser = createParser({
    onEvent: (event) => event.event !== "PB_CURSOR" && events.push(event),
    onComment: (comment) => comments.push(comment),
    onRetry: (retry) => retries.push(retry),
  });
  const ended = read(response.body, (text) => parser.feed(text));
  const handshake = await eventually(() => events.shift(), "PB_CONNECT");
  if (handshake.event !== "PB_CONNECT" || handshake.id === undefined) {
    throw new Error(`The first event is ${JSON.stringify(handshake)}`);
  }
  return {
    response,
    clientId: handshake.id,
    events,
    comments,
    retries,
    ended,
    receive: async (count, label = `${count} events`) => {
      await eventually(() => events.length >= count, `${label}, got ${events.length}`, 20_000);
      return events;
    },
    close: () => abort.abort(),
  };
}

/** The complete events of a stream's text, without PB_CURSOR. */
export function parseEvents(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(text);
  return events.filter(({ event }) => event !== "PB_CURSOR");
}

async function read(
  body: ReadableStream<Uint8Array>,
  feed: (text: string) => void,
): Promise<"end" | "broken"> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "end";
      feed(decoder.decode(value, { stream: true }));
    }
  } catch {
    return "broken";
  }
}
