import { checkNames, keyOf } from "./key.ts";
import { readMessage, topicFor } from "./message.ts";
import type {
  HistoryOptions,
  HistoryPage,
  Presence,
  Publication,
  RealtimeClientError,
} from "./types.ts";

/** Sends a request to a path below `/api/realtime`, with the user's token. Returns the JSON of the answer. */
// biome-ignore lint/suspicious/noExplicitAny: each path has another answer (docs/protocol.md)
export type Read = (path: string, body?: unknown) => Promise<any>;

/** The options of a subscription that choose messages. */
export const KEY_OPTIONS: readonly string[] = ["filter", "fields", "actions", "changed"];

/** The longest delay before a message is sent again, in milliseconds. `publish` gives up after the fifth failure. */
const MAX_DELAY = 4000;

/** Implements `Realtime.publish`. */
export async function publish(
  read: Read,
  messages: Publication | readonly Publication[],
): Promise<string[]> {
  const list = [messages].flat().map((message) => ({
    ...message,
    // With an id, a message that is sent again is not delivered twice. Pages without HTTPS have no `crypto.randomUUID`.
    id: message.id ?? crypto.getRandomValues(new Uint32Array(4)).join("-"),
  }));
  for (let delay = 500; ; delay *= 2) {
    try {
      const answers = await read("/messages", list);
      return answers.map(({ id }: { id: string }) => id);
    } catch (error) {
      const { status, retryAfter = 0 } = error as RealtimeClientError;
      // There was no answer, or the status of the service or of a proxy means: try again later.
      if (![0, 429, 502, 503, 504].includes(status) || delay > MAX_DELAY) throw error;
      const random = delay * (0.5 + Math.random() / 2);
      await new Promise((resolve) => setTimeout(resolve, Math.max(retryAfter, random)));
    }
  }
}

/** Implements `Realtime.history`. */
export async function readHistory(
  read: Read,
  topic: string,
  options: HistoryOptions = {},
): Promise<HistoryPage> {
  checkNames("history", options, [...KEY_OPTIONS, "limit", "before", "after"]);
  const { limit, before, after, ...keyOptions } = options;
  const parameters = { topic: keyOf(topic, keyOptions), limit, before, after };
  // `JSON.stringify` leaves out options that are undefined.
  const page = await read(
    `/messages?${new URLSearchParams(JSON.parse(JSON.stringify(parameters)))}`,
  );
  const messages = page.messages.map((message: { topics: string[]; cursor: string }) => ({
    ...readMessage(topic, { ...message, topic: topicFor(topic, message.topics) }, ""),
    cursor: message.cursor,
  }));
  return { ...page, messages };
}

/** Implements `Realtime.presence` without a callback. */
export async function readPresence(read: Read, topic: string): Promise<Presence> {
  // A large topic has no list of members.
  return { members: [], ...(await read(`/presence?${new URLSearchParams({ topic })}`)) };
}
