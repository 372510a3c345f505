import {
  addEnded,
  claim,
  type Progress,
  removeEnded,
  streamOf,
  takeEnded,
} from "./ended-streams.ts";
import { EventHandlers } from "./event-handlers.ts";
import type { ConnectOptions, EventSourceLike } from "./types.ts";

/** An `EventSource` class: of a browser, or of the npm package `eventsource`. */
export type EventSourceClass = NonNullable<ConnectOptions["EventSource"]>;

/** Events that every stream listens to. The ids of the service's own events are cursors as well. */
const OWN_TYPES = ["open", "error", "PB_CONNECT", "PB_RESUME", "PB_CURSOR", "PB_AUTH_EXPIRED"];

/**
 * The time for the SDK's first request on a stream, in milliseconds. An error within this time is reported at its end: if the SDK
 * (0.28) gets an error during this request, it clears the timer with which it would reconnect, and stays disconnected.
 */
const SETTLE = 2_000;

type Source = EventSourceLike & Partial<Pick<EventSource, "removeEventListener">>;
type Listener = EventListenerOrEventListenerObject | null;

/**
 * An event source that wraps an `EventSource` of another class. It begins with the cursor of the ended stream that it probably
 * continues. If the listeners then show that it continues another stream, it reports an error, so that the SDK reconnects.
 */
export class ResumingStream extends EventHandlers {
  readonly url: string;
  readonly withCredentials: boolean;
  readonly #Base: EventSourceClass;
  readonly #progress: Progress;
  /** The ended stream that this one probably continues. The listeners decide. */
  #guess: Progress | undefined;
  /** The listeners that were added before `#identify` ran. Undefined afterwards. */
  #strangers: Set<object> | undefined = new Set();
  /** The listeners of each type of event. */
  readonly #listeners = new Map<string, Set<object>>(OWN_TYPES.map((type) => [type, new Set()]));
  #source: Source | undefined;
  /** The listener of all events of the source. */
  #onSourceEvent: (event: MessageEvent) => void = () => {};
  /** A connection that stays open for a request of the SDK. Its events are dropped. */
  #muted: EventSourceLike | undefined;
  #hasConnected = false;
  /** Whether the stream has lasted, or continues another stream. Otherwise the SDK's `subscribe` has failed, and will not resume. */
  #hasBegun = false;
  #isBroken = false;
  /** Whether messages until PB_RESUME are dropped. The guess was wrong, so these messages are older than the subscriptions. */
  #leavesOut = false;
  #hasLeftOut = false;
  /** Runs while the SDK's first request may be under way. */
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(Base: EventSourceClass, url: string | URL, init: EventSourceInit = {}) {
    super();
    this.#Base = Base;
    this.url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    this.withCredentials = init.withCredentials === true;
    const address = `${this.url} ${this.withCredentials}`;
    this.#guess = takeEnded(address);
    const cursor = this.#guess?.cursor ?? "";
    this.#progress = { address, cursor, isClosed: false };
    this.#connect();
  }

  get readyState(): number {
    if (this.#progress.isClosed) return this.CLOSED;
    return this.#source?.readyState ?? this.CONNECTING;
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
    // The SDK adds the listeners of its subscriptions one by one, before it sends the subscriptions.
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
      if (this.#guess !== undefined) addEnded(this.#guess);
    } else if (!this.#hasBegun) this.#progress.cursor = "";
    else if (isInterrupted) addEnded(this.#progress);
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

  #onMessage({ type, data: sent, lastEventId, origin }: MessageEvent): void {
    let data = sent;
    const isStart = type === "PB_CONNECT";
    if (isStart) {
      this.#hasConnected = true;
      this.#isBroken = false;
      this.#settle();
    }
    if (this.#leavesOut && type !== "PB_RESUME") {
      if (!OWN_TYPES.includes(type)) {
        this.#hasLeftOut = true;
        return;
      }
    } else {
      if (this.#hasLeftOut) data = '{"recovered":false}';
      this.#leavesOut = this.#hasLeftOut = false;
      if (lastEventId) this.#progress.cursor = lastEventId;
    }
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId, origin }));
    // If the topics are in the address, the page has added its listeners before PB_CONNECT.
    if (isStart && this.#listeners.size > OWN_TYPES.length) this.#identify();
    // From here on the stream misses private messages. During SETTLE, the page can set a new token.
    if (type === "PB_AUTH_EXPIRED" && data.includes("closesIn")) this.#interrupt();
  }

  /** Drops all further events. After SETTLE, the SDK gets an error, reconnects, and resumes from the cursor. */
  #interrupt(): void {
    if (this.#progress.isClosed) return;
    this.#muted = this.#source;
    this.#source = undefined;
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

  /** Starts the timer for the SDK's request. */
  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#hasBegun = true;
      if (this.#source !== undefined) return;
      this.#muted?.close();
      this.dispatchEvent(new Event("error"));
      // The SDK has closed the stream in its error handler. A page without the SDK expects that the stream reconnects by itself.
      if (!this.#progress.isClosed) this.#connect();
    }, SETTLE);
  }

  /** Finds the ended stream that this one continues, by the listeners. */
  #identify(): void {
    if (this.#strangers === undefined || this.#progress.isClosed) return;
    const guessed = this.#guess;
    const found = streamOf(this.#strangers, this.#progress.address);
    claim(this.#strangers, this.#progress);
    this.#strangers = undefined;
    this.#guess = undefined;
    if (found === undefined) {
      this.#leavesOut = guessed !== undefined;
      if (this.#leavesOut) this.#progress.cursor = "";
      return;
    }
    removeEnded(found);
    if (found !== guessed) {
      this.#progress.cursor = found.cursor;
      this.#interrupt();
    }
    this.#hasBegun = true;
    found.cursor = "";
  }
}
