import { claim, expect, guess, type Progress, streamOf, unexpect } from "./ended-streams.ts";
import type { ConnectOptions, EventSourceLike } from "./types.ts";

/** An `EventSource` class: of a browser, or of the npm package `eventsource`. */
export type EventSourceClass = NonNullable<ConnectOptions["EventSource"]>;

/** Events that every stream listens to: the ids of the service's own events are cursors as well. */
const OWN_TYPES = ["open", "error", "PB_CONNECT", "PB_RESUME", "PB_CURSOR", "PB_AUTH_EXPIRED"];

/**
 * How long the SDK gets for its first request on a stream, in milliseconds. If a stream ends before, the SDK is told after this
 * time: with an error during this request, the SDK (0.28) clears the timer that it would reconnect with.
 */
const SETTLE = 2_000;

type Source = EventSourceLike & Partial<Pick<EventSource, "removeEventListener">>;
type Listener = EventListenerOrEventListenerObject | null;
type Handler<Type extends Event> = ((this: EventSource, event: Type) => unknown) | null;

/**
 * An event source with a connection of another class. It finds out which ended stream it continues, and connects anew if it has
 * guessed wrong.
 */
export class ResumingStream extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;
  readonly url: string;
  readonly withCredentials: boolean;
  readonly #Base: EventSourceClass;
  readonly #progress: Progress;
  /** The ended stream that this one continues, unless its listeners say otherwise. */
  #guess: Progress | undefined;
  /** The listeners, until they have told which stream this one continues. */
  #strangers: Set<object> | undefined = new Set();
  /** The listeners of each type of event. */
  readonly #listeners = new Map<string, Set<object>>(OWN_TYPES.map((type) => [type, new Set()]));
  readonly #handlers = new Map<string, { value: unknown; listener: (event: Event) => void }>();
  #source: Source | undefined;
  /** The listener of all events of the source. */
  #onSourceEvent: (event: MessageEvent) => void = () => {};
  /** A connection of which nothing is passed on, and which stays open for a request of the SDK. */
  #muted: EventSourceLike | undefined;
  #hasConnected = false;
  /** Whether the stream lasted, or has continued another one. Otherwise the SDK's `subscribe` has failed. */
  #hasBegun = false;
  #isBroken = false;
  /** Runs while the SDK's first request may be under way. */
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(Base: EventSourceClass, url: string | URL, init: EventSourceInit = {}) {
    super();
    this.#Base = Base;
    this.url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    this.withCredentials = init.withCredentials === true;
    const address = `${this.url} ${this.withCredentials}`;
    this.#guess = guess(address);
    const cursor = this.#guess?.cursor ?? "";
    this.#progress = { address, cursor, isClosed: false };
    this.#connect();
  }

  get readyState(): number {
    if (this.#progress.isClosed) return this.CLOSED;
    return this.#source?.readyState ?? this.CONNECTING;
  }

  get onopen(): Handler<Event> {
    return this.#handler("open");
  }

  set onopen(handler: Handler<Event>) {
    this.#setHandler("open", handler);
  }

  get onmessage(): Handler<MessageEvent> {
    return this.#handler("message");
  }

  set onmessage(handler: Handler<MessageEvent>) {
    this.#setHandler("message", handler);
  }

  get onerror(): Handler<Event> {
    return this.#handler("error");
  }

  set onerror(handler: Handler<Event>) {
    this.#setHandler("error", handler);
  }

  override addEventListener(
    type: string,
    listener: Listener,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
    if (listener === null) return;
    this.#listenersOf(type).add(listener);
    if (this.#strangers === undefined) claim([listener], this.#progress);
    // The SDK adds the listeners of its subscriptions one after the other, before it sends the subscriptions.
    else if (this.#strangers.add(listener) && this.#hasConnected) {
      queueMicrotask(() => this.#identify());
    }
  }

  override removeEventListener(
    type: string,
    listener: Listener,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener, options);
    const listeners = this.#listeners.get(type);
    if (listener === null || !listeners?.delete(listener)) return;
    if (listeners.size > 0 || OWN_TYPES.includes(type)) return;
    this.#listeners.delete(type);
    this.#source?.removeEventListener?.(type, this.#onSourceEvent as (event: Event) => void);
  }

  close(): void {
    if (this.#progress.isClosed) return;
    const isInterrupted = this.#isBroken || this.#settling !== undefined;
    this.#progress.isClosed = true;
    clearTimeout(this.#settling);
    this.#source?.close();
    this.#muted?.close();
    if (this.#strangers !== undefined) {
      if (this.#guess !== undefined) expect(this.#guess);
    } else if (!this.#hasBegun) this.#progress.cursor = "";
    else if (isInterrupted) expect(this.#progress);
  }

  #connect(): void {
    const url = new URL(this.url);
    if (this.#progress.cursor !== "") url.searchParams.set("lastEventId", this.#progress.cursor);
    const source: Source = new this.#Base(url.href, { withCredentials: this.withCredentials });
    const onEvent = (event: MessageEvent) => {
      if (source !== this.#source || this.#progress.isClosed) return;
      // A message to a topic called "error" or "open" has data.
      if (event.data !== undefined) this.#onMessage(event);
      else if (event.type === "error") this.#onBroken(event, source);
      else this.dispatchEvent(new Event(event.type));
    };
    this.#source = source;
    this.#onSourceEvent = onEvent;
    for (const type of this.#listeners.keys()) source.addEventListener(type, onEvent);
  }

  #listenersOf(type: string): Set<object> {
    const listeners = this.#listeners.get(type) ?? new Set();
    if (!this.#listeners.has(type)) this.#source?.addEventListener(type, this.#onSourceEvent);
    this.#listeners.set(type, listeners);
    return listeners;
  }

  #onMessage({ type, data, lastEventId, origin }: MessageEvent): void {
    if (lastEventId) this.#progress.cursor = lastEventId;
    const isStart = type === "PB_CONNECT";
    if (isStart) {
      this.#hasConnected = true;
      this.#isBroken = false;
      this.#settle();
    }
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId, origin }));
    // A stream with its topics in the address has its listeners already.
    if (isStart && this.#listeners.size > OWN_TYPES.length) this.#identify();
    if (type === "PB_AUTH_EXPIRED" && data.includes("closesIn")) this.#onExpired();
  }

  /**
   * From here on the stream misses private messages. The SDK connects again when the page has had time for a new token, and
   * resumes from the event's id.
   */
  #onExpired(): void {
    if (this.#progress.isClosed) return;
    this.#mute();
    this.#isBroken = true;
    this.#settle();
  }

  #onBroken(event: Event, source: EventSourceLike): void {
    this.#isBroken = true;
    if (this.#progress.cursor !== "") this.#hasBegun = true;
    if (this.#settling !== undefined) {
      source.close();
      this.#source = undefined;
      return;
    }
    const { code, message } = event as Event & { code?: number; message?: string };
    this.dispatchEvent(Object.assign(new Event("error"), code && { code }, message && { message }));
  }

  /** Begins the time that the SDK gets for a request. */
  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#hasBegun = true;
      if (this.#source !== undefined) this.#muted?.close();
      else this.dispatchEvent(new Event("error"));
      // The SDK has closed the stream by now. Other pages expect that it reconnects by itself.
      if (this.#source === undefined && !this.#progress.isClosed) this.#connect();
    }, SETTLE);
  }

  #mute(): void {
    this.#muted?.close();
    this.#muted = this.#source;
    this.#source = undefined;
  }

  /** Finds out which stream this one continues, and connects anew if the guess was wrong. */
  #identify(): void {
    if (this.#strangers === undefined || this.#progress.isClosed) return;
    const { address } = this.#progress;
    const found = streamOf(this.#strangers, address);
    claim(this.#strangers, this.#progress);
    this.#strangers = undefined;
    const guessed = this.#guess;
    const isRight = found === guessed;
    this.#guess = undefined;
    if (!isRight) this.#progress.cursor = found?.cursor ?? "";
    if (found !== undefined) {
      this.#hasBegun = true;
      unexpect(found);
      found.cursor = "";
    }
    if (isRight) return;
    if (guessed !== undefined) expect(guessed);
    // The request for this connection is under way. With the next PB_CONNECT the SDK sends its subscriptions again.
    this.#mute();
    this.#connect();
  }

  #handler<Type extends Event>(type: string): Handler<Type> {
    return (this.#handlers.get(type)?.value ?? null) as Handler<Type>;
  }

  #setHandler(type: string, value: unknown): void {
    const before = this.#handlers.get(type);
    if (before !== undefined) this.removeEventListener(type, before.listener);
    this.#handlers.delete(type);
    if (typeof value !== "function") return;
    const listener = (event: Event) => {
      // A message to a topic called "error" must not look like a broken connection.
      if (type === "message" || !("data" in event)) value.call(this, event);
    };
    this.#handlers.set(type, { value, listener });
    this.#listenersOf(type).add(listener);
    super.addEventListener(type, listener);
  }
}
