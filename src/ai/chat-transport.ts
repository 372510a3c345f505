import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { ChatTopic } from "./chat-topic.ts";
import { refuseUnknown } from "./options.ts";
import { findAnswer } from "./running-answer.ts";
import { type AnswerSubscriber, TopicFeed } from "./topic-feed.ts";

/** A value, or a function that returns it for each request. */
type Resolvable<T> = T | (() => T | Promise<T>);

/** Options of `createChatTransport`. */
export interface ChatTransportOptions {
  /** The client: what `connect` of `pocketwire/client` returns. */
  readonly realtime: AnswerSubscriber;
  /**
   * Your route that starts an answer. It gets `{ id, messages, trigger, messageId }` by POST, as with the AI SDK's own transport, and
   * responds with `{ "answer": id }`, the id of `publishStream`. Default `/api/chat`.
   */
  readonly api?: string | undefined;
  /** The topic of a chat. Default ``(chatId) => `chats/${chatId}` ``. */
  readonly topic?: ((chatId: string) => string) | undefined;
  /** Headers of the request. */
  readonly headers?: Resolvable<Record<string, string> | Headers> | undefined;
  /** Fields of the request's body besides those above. */
  readonly body?: Resolvable<object> | undefined;
  /** Sends the request. Default: the global `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /**
   * Whether the page shows a message. An answer may end between the page's request for the stored messages and
   * `reconnectToStream`. With this option the transport then returns the whole answer. Default: every message counts as shown.
   */
  readonly hasMessage?: ((messageId: string, chatId: string) => boolean) | undefined;
}

/** A transport of `useChat`. */
export interface RealtimeChatTransport<Message extends UIMessage = UIMessage>
  extends ChatTransport<Message> {
  readonly resumeStreamIsReplay: true;
  /**
   * Calls a listener when an answer begins that another page has asked for. Load the messages of the chat, and call
   * `resumeStream()` of `useChat`.
   *
   * @returns a function that removes the listener.
   */
  onAnswer(chatId: string, listener: () => void): () => void;
}

const OPTIONS = ["realtime", "api", "topic", "headers", "body", "fetch", "hasMessage"];
const MAX_ERROR_TEXT = 1_000;

/**
 * Creates a transport for `useChat`. The answer comes from a topic of the service, so that a reload, a second tab or a phone
 * continues it with every part once. `publishStream` writes the topic.
 *
 * @throws TypeError for an option that is unknown or missing.
 * @example
 * ```ts
 * const transport = createChatTransport({ realtime: connect("https://rt.example"), api: "/api/chat" });
 * const { messages, sendMessage } = useChat({ id, messages: stored, transport, resume: true });
 * ```
 */
export function createChatTransport<Message extends UIMessage = UIMessage>(
  options: ChatTransportOptions,
): RealtimeChatTransport<Message> {
  refuseUnknown("createChatTransport", options, OPTIONS);
  if (typeof options.realtime?.subscribe !== "function") {
    throw new TypeError(
      "createChatTransport: realtime must be a client: connect(url) of pocketwire/client.",
    );
  }
  return new Transport<Message>(options);
}

type SendOptions<Message extends UIMessage> = Parameters<ChatTransport<Message>["sendMessages"]>[0];
type ReconnectOptions = Parameters<ChatTransport<UIMessage>["reconnectToStream"]>[0];

class Transport<Message extends UIMessage> implements RealtimeChatTransport<Message> {
  readonly resumeStreamIsReplay = true;
  readonly #options: ChatTransportOptions;
  readonly #topics = new Map<string, ChatTopic>();

  constructor(options: ChatTransportOptions) {
    this.#options = options;
  }

  async sendMessages(request: SendOptions<Message>): Promise<ReadableStream<UIMessageChunk>> {
    const find = async () => ({ id: await this.#post(request), data: [] });
    const stream = this.#topicOf(request.chatId).read(find, request.abortSignal);
    // `find` returns an answer, so there is a stream.
    return stream as Promise<ReadableStream<UIMessageChunk>>;
  }

  async reconnectToStream({
    chatId,
    abortSignal,
  }: ReconnectOptions): Promise<ReadableStream<UIMessageChunk> | null> {
    const { hasMessage = () => true } = this.#options;
    const isShown = (messageId: string) => hasMessage(messageId, chatId);
    return this.#topicOf(chatId).read((feed) => findAnswer(feed, isShown), abortSignal);
  }

  onAnswer(chatId: string, listener: () => void): () => void {
    return this.#topicOf(chatId).watch(listener);
  }

  #topicOf(chatId: string): ChatTopic {
    const { realtime, topic = (id: string) => `chats/${id}` } = this.#options;
    const name = topic(chatId);
    for (const [other, { feed }] of this.#topics) {
      if (feed.isIdle && other !== name) this.#topics.delete(other);
    }
    const known = this.#topics.get(name) ?? new ChatTopic(new TopicFeed(realtime, name));
    this.#topics.set(name, known);
    return known;
  }

  /** Asks the app for an answer. @returns the id of the answer. */
  async #post({
    chatId: id,
    messages,
    trigger,
    messageId,
    abortSignal,
    ...own
  }: SendOptions<Message>): Promise<string> {
    const { api = "/api/chat", headers, body, fetch: send = globalThis.fetch } = this.#options;
    const fields = { ...(await resolve(body)), ...own.body, id, messages, trigger, messageId };
    const response = await send(api, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...toObject(await resolve(headers)),
        ...toObject(own.headers),
      },
      body: JSON.stringify(fields),
      ...(abortSignal !== undefined && { signal: abortSignal }),
    });
    const text = await response.text();
    if (!response.ok) {
      const reason = text.slice(0, MAX_ERROR_TEXT) || `Status ${response.status}.`;
      throw new Error(reason);
    }
    return readAnswerId(text, api);
  }
}

function resolve<T>(value: Resolvable<T> | undefined): T | Promise<T> | undefined {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}

function toObject(headers: Record<string, string> | Headers | undefined): Record<string, string> {
  return headers instanceof Headers ? Object.fromEntries(headers) : { ...headers };
}

function readAnswerId(text: string, api: string): string {
  try {
    const { answer } = JSON.parse(text);
    if (typeof answer === "string" && answer !== "") return answer;
  } catch {
    // The error below says what is expected.
  }
  throw new Error(
    `The response of ${api} must be the JSON { "answer": id } with the id that publishStream returned.`,
  );
}
