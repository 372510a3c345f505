import { callAll } from "./call-all.ts";
import { checkOptions, type KeyOptions, keyOf } from "./key.ts";
import { TopicPresence } from "./presence.ts";
import { createError, createSend, type Send } from "./requests.ts";
import { type OnEvent, Stream, type StreamLike, type StreamListener } from "./stream.ts";
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
const MAX_ATTEMPTS = 5;

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
  readonly #presence = new Map<string, { topic: TopicPresence; end: () => void }>();
  readonly #removers = new Set<() => void>();

  constructor(url: string | URL, options: ConnectOptions) {
    checkOptions("connect", options, ["token", "withCredentials", "share", "EventSource", "fetch"]);
    const { withCredentials = false, EventSource = globalThis.EventSource } = options;
    if (EventSource === undefined) {
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
        this.#emit("status", status);
      },
      onGap: () => this.#emit("gap", undefined),
      onError: (error) => this.#emit("error", error),
    };
    const open = (shared?: StreamLike) =>
      shared ?? new Stream({ ...settings, send: this.#send }, listener);
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
    checkOptions("subscribe", options, ["last", ...KEY_OPTIONS, "leave"]);
    const ends = [this.#add(topic, options, (data, id) => onMessage(readMessage(topic, data, id)))];
    if (presence !== undefined) ends.push(this.#followPresence(topic, presence));
    return () => {
      for (const end of ends.splice(0)) end();
    };
  }

  on(name: keyof RealtimeEvents, listener: Listener): () => void {
    const listeners = this.#listeners[name];
    if (listeners === undefined) {
      throw new TypeError(`on: there is no event "${name}". Events: status, gap, error.`);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async publish(messages: Publication | readonly Publication[]): Promise<string[]> {
    // With an id, a message that is sent again is not delivered twice.
    const list = [messages].flat().map((message) => ({ id: randomId(), ...message }));
    for (let attempt = 1; ; attempt++) {
      try {
        const answers = await (await this.#request("/messages", list)).json();
        return answers.map(({ id }: { id: string }) => id);
      } catch (error) {
        const { status, retryAfter = 0 } = error as RealtimeClientError;
        const isTemporary = status === 0 || status === 503 || status === 429;
        if (!isTemporary || attempt === MAX_ATTEMPTS) throw error;
        const delay = Math.max(retryAfter, 250 * 2 ** attempt * (0.5 + Math.random() / 2));
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  async history(topic: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    checkOptions("history", options, [...KEY_OPTIONS, "limit", "before", "after"]);
    const { limit, before, after, ...keyOptions } = options;
    const query = new URLSearchParams({ topic: keyOf(topic, keyOptions) });
    for (const [name, value] of Object.entries({ limit, before, after })) {
      if (value !== undefined) query.set(name, String(value));
    }
    const page = await (await this.#request(`/messages?${query}`)).json();
    const messages = page.messages.map((message: { topics: string[]; cursor: string }) => ({
      ...readMessage(topic, { ...message, topic: topicFor(topic, message.topics) }, ""),
      cursor: message.cursor,
    }));
    return { ...page, messages };
  }

  presence(topic: string, onChange?: (presence: Presence) => void): unknown {
    return onChange === undefined
      ? this.#readPresence(topic)
      : this.#followPresence(topic, onChange);
  }

  async setInfo(topic: string, info: Record<string, unknown>): Promise<void> {
    const { clientId } = this;
    if (clientId === undefined) {
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
    for (const remove of this.#removers) remove();
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

  #emit<Name extends keyof RealtimeEvents>(name: Name, value: RealtimeEvents[Name]): void {
    callAll(this.#listeners[name], value);
  }

  async #request(path: string, body?: unknown): Promise<Response> {
    return this.#send(path, body, await this.#token.get());
  }

  async #readPresence(topic: string): Promise<Presence> {
    const query = new URLSearchParams({ topic });
    const {
      members = [],
      count,
      guests,
    } = await (await this.#request(`/presence?${query}`)).json();
    return { members, count, guests };
  }

  #followPresence(topic: string, onChange: (presence: Presence) => void): () => void {
    if (topic === "*" || topic.endsWith("/*")) {
      throw new TypeError(`presence: "${topic}" has no members. Name one topic, without "*".`);
    }
    const created = () => {
      const state = new TopicPresence();
      return { topic: state, end: this.#add(`$presence/${topic}`, {}, state.onEvent) };
    };
    const followed = this.#presence.get(topic) ?? created();
    this.#presence.set(topic, followed);
    const listener = (presence: Presence) => onChange(presence);
    followed.topic.listen(listener);
    return () => {
      followed.topic.listeners.delete(listener);
      if (followed.topic.listeners.size > 0 || this.#presence.get(topic) !== followed) return;
      this.#presence.delete(topic);
      followed.end();
    };
  }

  /** Reconnects at once when the network is back, or the page may have slept. */
  #listenToPage(): void {
    const add = (target: EventTarget | undefined, name: string, listener: () => void) => {
      target?.addEventListener?.(name, listener);
      this.#removers.add(() => target?.removeEventListener?.(name, listener));
    };
    const wake = () =>
      globalThis.document?.hidden !== true && this.#withStream((stream) => stream.wake());
    add(globalThis, "online", () => this.#withStream((stream) => stream.reconnect()));
    add(globalThis, "pageshow", wake);
    add(globalThis.document, "visibilitychange", wake);
    add(globalThis.document, "resume", wake);
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
  if (typeof envelope.at !== "string" || typeof envelope.topic !== "string") {
    return { topic, data: value, id: eventId, at: new Date().toISOString() };
  }
  const { data, id, at } = envelope;
  const { action, record } = Object(data) as Message;
  const isRecord = typeof action === "string" && typeof record === "object";
  return { topic: envelope.topic, data, id, at, ...(isRecord && { action, record }) };
}

/** Returns the first of a message's topics that a subscription matches. */
function topicFor(subscription: string, topics: readonly string[]): string {
  const prefix = subscription.endsWith("*") ? subscription.slice(0, -1) : undefined;
  const isMatch = (topic: string) =>
    prefix === undefined ? topic === subscription : topic.startsWith(prefix);
  return topics.find(isMatch) ?? subscription;
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
