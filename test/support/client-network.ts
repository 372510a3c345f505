/** A network in memory between clients (`pocketwire/client`) and a service in the same process. It fails on demand. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { ConnectOptions } from "../../src/client/types.ts";
import { trackClient } from "./clients.ts";

type Listener = (event: MessageEvent) => void;

/** How the next POST fails: its request is lost, or its answer. */
export type PostFault = "request" | "answer";

/** The part of Hono's app that the network calls. */
interface App {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** The origin of the service. No socket leads there. */
export const MEMORY_URL = "http://memory.test";

/** The service's end of the network, and the parts that `connect` needs. */
export class ClientNetwork {
  readonly #app: App;
  readonly #sources = new Set<MemoryEventSource>();
  readonly #faults: PostFault[] = [];
  /** Number of events after which a stream is cut. Undefined: no limit. */
  #budget: number | undefined;
  /** Number of requests that have not been answered. */
  pending = 0;
  /** What the network has done so far. */
  readonly counts = { streams: 0, posts: 0, cuts: 0, lostPosts: 0 };
  readonly options: Required<Pick<ConnectOptions, "EventSource" | "fetch">>;

  constructor(app: App) {
    this.#app = app;
    const open = (source: MemoryEventSource) => this.#sources.add(source);
    const network = this;
    this.options = {
      EventSource: class extends MemoryEventSource {
        constructor(url: string) {
          super(network, url);
          open(this);
        }
      },
      fetch: (url, init) => this.#fetch(url, init),
    };
  }

  /** Lets a coming POST fail. */
  failPost(fault: PostFault): void {
    this.#faults.push(fault);
  }

  /** Forgets the faults that have not happened. */
  heal(): void {
    this.#faults.length = 0;
    this.#budget = undefined;
  }

  /** Cuts all streams. @param isFinal Whether their `EventSource` gives up. */
  cut(isFinal = false): void {
    for (const source of this.#sources) {
      if (source.cut(isFinal)) this.counts.cuts += 1;
    }
  }

  /** Cuts a stream after this number of further events. */
  cutAfter(events: number): void {
    this.#budget = events;
  }

  /** Whether a stream may dispatch another event. */
  spend(): boolean {
    if (this.#budget === undefined) return true;
    if (this.#budget > 0) {
      this.#budget -= 1;
      return true;
    }
    this.#budget = undefined;
    this.counts.cuts += 1;
    return false;
  }

  async open(url: string, lastEventId: string, signal: AbortSignal): Promise<Response> {
    this.counts.streams += 1;
    const headers: Record<string, string> = lastEventId ? { "Last-Event-ID": lastEventId } : {};
    return this.#app.request(url.replace(MEMORY_URL, ""), { headers, signal });
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    this.pending += 1;
    try {
      this.counts.posts += 1;
      const fault = this.#faults.shift();
      if (fault !== undefined) this.counts.lostPosts += 1;
      if (fault === "request") throw new TypeError("The request is lost.");
      const response = await this.#app.request(url.replace(MEMORY_URL, ""), init);
      if (fault === "answer") throw new TypeError("The answer is lost.");
      return response;
    } finally {
      this.pending -= 1;
    }
  }
}

/** An `EventSource` over the network: reconnects with the id of the last event, as the standard says. */
class MemoryEventSource {
  readyState = 0;
  readonly #network: ClientNetwork;
  readonly #url: string;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #forget: () => void;
  #lastEventId = "";
  #retry = 1000;
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(network: ClientNetwork, url: string) {
    this.#network = network;
    this.#url = url;
    this.#forget = trackClient(() => this.close());
    queueMicrotask(() => void this.#connect());
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  close(): void {
    this.#forget();
    this.readyState = 2;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** @returns whether there was a connection. */
  cut(isFinal: boolean): boolean {
    if (this.readyState !== 1) return false;
    this.#abort.abort();
    this.#fail(isFinal);
    return true;
  }

  #dispatch(type: string, event: Partial<MessageEvent>): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      listener({ type, ...event } as MessageEvent);
    }
  }

  #fail(isFinal: boolean): void {
    if (this.readyState === 2) return;
    this.readyState = isFinal ? 2 : 0;
    if (!isFinal) this.#timer = setTimeout(() => void this.#connect(), this.#retry);
    this.#dispatch("error", {});
  }

  async #connect(): Promise<void> {
    if (this.readyState === 2) return;
    const abort = new AbortController();
    this.#abort = abort;
    const isCurrent = () => this.#abort === abort && !abort.signal.aborted;
    try {
      const response = await this.#network.open(this.#url, this.#lastEventId, abort.signal);
      if (!isCurrent()) return;
      if (response.status !== 200 || response.body === null) return this.#fail(true);
      this.readyState = 1;
      this.#dispatch("open", {});
      await this.#read(response.body, abort, isCurrent);
    } catch {
      // The stream was aborted.
    }
    if (isCurrent()) this.#fail(false);
  }

  async #read(body: ReadableStream, abort: AbortController, isCurrent: () => boolean) {
    const onEvent = ({ event = "message", data, id }: EventSourceMessage) => {
      if (!isCurrent()) return;
      if (!this.#network.spend()) {
        abort.abort();
        this.#fail(false);
        return;
      }
      this.#lastEventId = id ?? this.#lastEventId;
      this.#dispatch(event, { data, lastEventId: this.#lastEventId });
    };
    const onRetry = (retry: number) => {
      this.#retry = retry;
    };
    const parser = createParser({ onEvent, onRetry });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    abort.signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
    for (;;) {
      const { done, value } = await reader.read();
      if (done || !isCurrent()) return;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }
}
