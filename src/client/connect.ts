import { callAll } from "./call-all.ts";
import { checkNames, type KeyOptions, keyOf } from "./key.ts";
import { followMembers } from "./presence.ts";
import { createError, createSend, type Send } from "./requests.ts";
import { createStream, type OnEvent, type StreamLike, type StreamListener } from "./stream.ts";
import { TokenStore } from "./token.ts";
import type {
  ConnectOptions,
  EventMap,
  HistoryOptions,
  HistoryPage,
  Message,
  Presence,
  Publication,
  Realtime,
  RealtimeClientError,
  RealtimeEvents,
  Status,
  SubscribeOptions,
} from "./types.ts";

const KEY_OPTIONS = ["filter", "fields", "actions", "changed"];
/** The longest delay before a message is sent again, in milliseconds. `publish` gives up after the fifth failure. */
const MAX_PUBLISH_DELAY = 4000;

type Listener = (value: unknown) => void;

/** Implements `Realtime`. */
class Client {
  readonly #stream: Promise<StreamLike>;
  #status: Status = "idle";
  #clientId: string | undefined;
  readonly #send: Send;
  readonly #token: TokenStore;
  readonly #listeners = { status: new Set(), gap: new Set(), error: new Set() } as Record<
    keyof RealtimeEvents,
    Set<Listener>
  >;
  readonly #closing = new AbortController();

  constructor(url: string | URL, options: ConnectOptions) {
    checkNames("connect", options, ["token", "withCredentials", "share", "EventSource", "fetch"]);
    const { withCredentials = false, EventSource = globalThis.EventSource } = options;
    if (!EventSource) {
      throw new TypeError("There is no EventSource here. Pass one: connect(url, { EventSource }).");
    }
    const api = `${String(url).replace(/\/$/, "")}/api/realtime`;
    // The global `fetch` must be called without another `this`.
    const request = options.fetch ?? ((url, init) => fetch(url, init));
    this.#send = createSend(api, request, withCredentials ? "include" : "same-origin");
    this.#token = new TokenStore(options.token, () => this.#withStream((stream) => stream.renew()));
    const settings = { api, withCredentials, EventSource, token: this.#token };
    const listener: StreamListener = {
      onStatus: (status, clientId) => {
        this.#status = status;
        this.#clientId = clientId;
        callAll(this.#listeners.status, status);
      },
      onGap: () => callAll(this.#listeners.gap, undefined),
      onError: (error) => callAll(this.#listeners.error, error),
    };
    const open = (shared?: StreamLike) =>
      shared ?? createStream({ ...settings, send: this.#send }, listener);
    this.#stream = options.share
      ? import("./share/share.ts")
          .then(({ shareStream }) =>
            shareStream({ ...settings, options, fetch: request }, listener),
          )
          .then(open, () => open())
      : Promise.resolve(open());
    this.#listenToPage();
  }

  get status(): Status {
    return this.#status;
  }

  get clientId(): string | undefined {
    return this.#clientId;
  }

  subscribe(
    topic: string,
    onMessage: (message: Message) => void,
    { presence, ...options }: SubscribeOptions = {},
  ): () => void {
    checkNames("subscribe", options, ["last", ...KEY_OPTIONS, "leave"]);
    const ends = [this.#add(topic, options, (data, id) => onMessage(readMessage(topic, data, id)))];
    if (presence) ends.push(this.#followPresence(topic, presence));
    return () => {
      for (const end of ends.splice(0)) end();
    };
  }

  on(name: keyof RealtimeEvents, listener: Listener): () => void {
    checkNames("on", { [name]: true }, Object.keys(this.#listeners));
    const listeners = this.#listeners[name];
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async publish(messages: Publication | readonly Publication[]): Promise<string[]> {
    // With an id, a message that is sent again is not delivered twice.
    const list = [messages].flat().map((message) => ({
      // Pages without HTTPS have no `crypto.randomUUID`.
      id: crypto.getRandomValues(new Uint32Array(4)).join("-"),
      ...message,
    }));
    for (let delay = 500; ; delay *= 2) {
      try {
        const answers = await this.#read("/messages", list);
        return answers.map(({ id }: { id: string }) => id);
      } catch (error) {
        const { status, retryAfter = 0 } = error as RealtimeClientError;
        // No answer, too many requests, or an answer of the service or of a proxy before it that says to come back.
        if (![0, 429, 502, 503, 504].includes(status) || delay > MAX_PUBLISH_DELAY) throw error;
        const random = delay * (0.5 + Math.random() / 2);
        await new Promise((resolve) => setTimeout(resolve, Math.max(retryAfter, random)));
      }
    }
  }

  async history(topic: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    checkNames("history", options, [...KEY_OPTIONS, "limit", "before", "after"]);
    const { limit, before, after, ...keyOptions } = options;
    const parameters = { topic: keyOf(topic, keyOptions), limit, before, after };
    // JSON has no options that are undefined.
    const query = new URLSearchParams(JSON.parse(JSON.stringify(parameters)));
    const page = await this.#read(`/messages?${query}`);
    const messages = page.messages.map((message: { topics: string[]; cursor: string }) => ({
      ...readMessage(topic, { ...message, topic: topicFor(topic, message.topics) }, ""),
      cursor: message.cursor,
    }));
    return { ...page, messages };
  }

  presence(topic: string, onChange?: (presence: Presence) => void): unknown {
    return onChange ? this.#followPresence(topic, onChange) : this.#readPresence(topic);
  }

  async setInfo(topic: string, info: Record<string, unknown>): Promise<void> {
    const { clientId } = this;
    if (!clientId) {
      throw createError(`Subscribe to "${topic}" first, and wait for the status "connected".`);
    }
    await this.#request("/presence", { clientId, topic, info });
  }

  refreshToken(): void {
    this.#token.forget();
    this.#withStream((stream) => stream.reconnect());
  }

  close(): void {
    this.#token.forget();
    this.#withStream((stream) => stream.close());
    this.#closing.abort();
  }

  #withStream(run: (stream: StreamLike) => void): void {
    void this.#stream.then(run);
  }

  #add(topic: string, options: KeyOptions, onEvent: OnEvent): () => void {
    let end: (() => void) | undefined;
    let hasEnded = false;
    this.#withStream((stream) => {
      if (!hasEnded) end = stream.add(topic, options, onEvent);
    });
    return () => {
      hasEnded = true;
      end?.();
    };
  }

  async #request(path: string, body?: unknown): Promise<Response> {
    return this.#send(path, body, await this.#token.get());
  }

  async #read(path: string, body?: unknown) {
    return (await this.#request(path, body)).json();
  }

  async #readPresence(topic: string): Promise<Presence> {
    const presence = await this.#read(`/presence?${new URLSearchParams({ topic })}`);
    // A large topic has no list of members.
    return { members: [], ...presence };
  }

  #followPresence(topic: string, onChange: (presence: Presence) => void): () => void {
    if (/(^|\/)\*$/.test(topic)) {
      throw new TypeError(`presence: "${topic}" has no members. Name one topic.`);
    }
    const follow = followMembers(onChange);
    // A change is a message, in an envelope. The list of members is an event without one.
    return this.#add(`$presence/${topic}`, {}, (event) => follow(readMessage("", event, "").data));
  }

  /** Reconnects at once when the network is back, or the page may have slept. Node has none of these events. */
  #listenToPage(): void {
    const wake = ({ type }: Event) => {
      if (type === "online") this.#withStream((stream) => stream.reconnect());
      else if (!globalThis.document?.hidden) this.#withStream((stream) => stream.wake());
    };
    for (const name of ["online", "pageshow", "visibilitychange"]) {
      globalThis.addEventListener?.(name, wake, { signal: this.#closing.signal });
    }
  }
}

/**
 * Creates a client. It connects when there is a subscription.
 *
 * @param url Address of the service, without `/api/realtime`: `https://rt.example`.
 * @throws TypeError for an unknown option, and without an `EventSource`.
 * @example
 * ```ts
 * const realtime = connect("https://rt.example", { token: () => fetchToken() });
 * const off = realtime.subscribe("chat/1", ({ data }) => show(data), { last: 20 });
 * realtime.on("gap", () => location.reload());
 * ```
 */
export function connect<Events = EventMap>(
  url: string | URL,
  options: ConnectOptions = {},
): Realtime<Events> {
  return new Client(url, options) as unknown as Realtime<Events>;
}

/** Reads an envelope (docs/protocol.md, "How does a client learn the topic of a message?"). */
function readMessage(topic: string, value: unknown, eventId: string): Message {
  const envelope = Object(value) as Message;
  // An event that an embedding app sends to one client has no envelope.
  if (!envelope.at) return { topic, data: value, id: eventId, at: new Date().toISOString() };
  const { data, id, at } = envelope;
  const { action, record } = Object(data) as Message;
  return { topic: envelope.topic, data, id, at, ...(action && record && { action, record }) };
}

/** Returns the first of a message's topics that a subscription matches. */
function topicFor(subscription: string, topics: readonly string[]): string {
  const isMatch = (topic: string) =>
    topic === subscription ||
    (subscription.endsWith("*") && topic.startsWith(subscription.slice(0, -1)));
  return topics.find(isMatch) ?? subscription;
}
