/** A page with a chat, the app behind it, and the model that the app asks, over a service in memory. */
import type { UIMessage, UIMessageChunk } from "ai";
import {
  type ChatTransportOptions,
  createChatTransport,
  publishStream,
  type RealtimeChatTransport,
} from "../../src/ai.ts";
import { partsOf, readAll } from "./answers.ts";
import { within } from "./deadline.ts";
import { seededRandom } from "./random.ts";
import { type TopicFaults, TopicService } from "./topic-service.ts";

export const WORDS = "The quick brown fox jumps over the lazy dog".split(/(?= )/);
export const PARTS = partsOf("m1", WORDS);

export const question: UIMessage = {
  id: "q1",
  role: "user",
  parts: [{ type: "text", text: "Why?" }],
};

/** A model that answers with the text of the test. */
export class Model {
  readonly stream: ReadableStream<UIMessageChunk>;
  #controller: ReadableStreamDefaultController<UIMessageChunk> | undefined;
  #next = 0;
  readonly #parts: readonly UIMessageChunk[];

  constructor(parts: readonly UIMessageChunk[]) {
    this.#parts = parts;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
    });
  }

  /** Says the next parts, or all that are left. */
  say(count = this.#parts.length): void {
    for (const part of this.#parts.slice(this.#next, this.#next + count)) {
      this.#controller?.enqueue(part);
    }
    this.#next += count;
    if (this.#next >= this.#parts.length) this.#controller?.close();
  }
}

export const serviceWith = (faults: TopicFaults = {}) => new TopicService(seededRandom(7), faults);

/** A page, and the app with the route that starts an answer. */
export function openChatPage(service: TopicService, options: Partial<ChatTransportOptions> = {}) {
  const requests: { url: string; init: RequestInit }[] = [];
  const models: Model[] = [];
  const ends: Promise<string>[] = [];
  const send = async (url: string, init: RequestInit) => {
    requests.push({ url, init });
    const model = new Model(PARTS);
    models.push(model);
    const { id, ended } = publishStream(service, "chats/1", model.stream, { interval: 10 });
    ends.push(ended);
    return Response.json({ answer: id });
  };
  const transport = createChatTransport({ realtime: service.client(), fetch: send, ...options });
  return { transport, requests, models, ends };
}

export const ask = (transport: RealtimeChatTransport, abortSignal?: AbortSignal) =>
  transport.sendMessages({
    ...{ trigger: "submit-message", chatId: "1", messageId: undefined, messages: [question] },
    abortSignal,
  });

export const reconnect = (transport: RealtimeChatTransport) =>
  transport.reconnectToStream({ chatId: "1" });

export const read = (stream: ReadableStream<UIMessageChunk> | null) => {
  if (stream === null) throw new Error("There is no answer.");
  return within(readAll(stream), 20_000, "the answer ends");
};
