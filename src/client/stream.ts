import { callAll } from "./call-all.ts";
import { type KeyOptions, keyOf, topicOf } from "./key.ts";
import { createError, type Send } from "./requests.ts";
import type { TokenStore } from "./token.ts";
import type { ConnectOptions, EventSourceLike, RealtimeClientError, Status } from "./types.ts";

/** An event of the stream: its data, parsed, and its id. */
export type OnEvent = (data: unknown, id: string) => void;

/** What the stream tells its owner. */
export interface StreamListener {
  /** @param clientId Id of the stream at the service, while connected. */
  onStatus(status: Status, clientId?: string): void;
  onGap(): void;
  onError(error: RealtimeClientError): void;
  /**
   * The position of the stream has moved without a message, or the service has accepted the subscriptions.
   *
   * @param hasAll Whether the service has all subscriptions now.
   */
  onProgress?(hasAll: boolean): void;
}

/** A stream of this page (`Stream`), or of all tabs (`SharedStream`). */
export type StreamLike = Pick<Stream, "add" | "reconnect" | "renew" | "wake" | "close">;

/** Settings of a stream. */
export interface StreamSettings {
  /** Address of the service's `/api/realtime`. */
  readonly api: string;
  readonly withCredentials: boolean;
  readonly EventSource: NonNullable<ConnectOptions["EventSource"]>;
  readonly send: Send;
  readonly token: TokenStore;
}

/** An error of a field in an answer of the service. */
interface FieldError {
  readonly message: string;
}

/** Events of the service besides the messages of the keys (docs/protocol.md). */
const SERVICE_EVENTS = ["PB_CONNECT", "PB_RESUME", "PB_CURSOR", "PB_AUTH_EXPIRED", "ping"];

/** How often the stream checks that the connection still lives, in milliseconds. */
const CHECK_INTERVAL = 5_000;
/** The longest time from the start of a connection to the first event, in milliseconds. */
const CONNECT_TIMEOUT = 20_000;
/** The service's default time between two pings, in milliseconds. */
const PING_INTERVAL = 30_000;
/** A connection that lasted this long was a success: the next delay is short again. In milliseconds. */
const STABLE_AFTER = 10_000;
const MAX_DELAY = 30_000;

/**
 * One stream with all subscriptions. The stream connects when there is a subscription, sets the subscriptions by POST, and
 * resumes from the id of the last event when it reconnects.
 */
export class Stream {
  readonly #settings: StreamSettings;
  readonly #listener: StreamListener;
  /** The wanted keys, and what their messages go to. */
  readonly #wanted = new Map<string, Set<OnEvent>>();
  /** The keys that the service has, or had before the connection ended. They resume from the cursor. */
  #accepted = new Set<string>();
  /** The id of the last event. */
  #cursor = "";
  #source: EventSourceLike | undefined;
  /** The listener of all events of the source. */
  #onSourceEvent: (event: MessageEvent) => void = () => {};
  #status: Status = "idle";
  #clientId: string | undefined;
  /** Whether the accepted keys must be set before other keys, because they resume and the others begin. */
  #mustResume = false;
  /** The keys of the newest request. */
  #sent = new Set<string>();
  /** The connection that `#send` is working for. */
  #sendingFor: string | undefined;
  #isSendDue = false;
  #isUpdateDue = false;
  /** Whether the browser has received a response in this connection, which may say when to reconnect. */
  #hasOpened = false;
  #failures = 0;
  #startedAt = 0;
  #lastEventAt = 0;
  #lastPingAt = 0;
  /** Time without an event after which the connection counts as dead, in milliseconds. */
  #silence = PING_INTERVAL * 2.5;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setInterval> | undefined;

  constructor(settings: StreamSettings, listener: StreamListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  get status(): Status {
    return this.#status;
  }

  /** The position of the stream: the id of the last event. */
  get cursor(): string {
    return this.#cursor;
  }

  get clientId(): string | undefined {
    return this.#status === "connected" ? this.#clientId : undefined;
  }

  /**
   * Adds a subscription.
   *
   * @param hasBegun Whether the subscription began on another stream. It then resumes from the cursor of `rewind`.
   * @returns a function that removes the subscription.
   */
  add(topic: string, options: KeyOptions, onEvent: OnEvent, hasBegun = false): () => void {
    // A key that exists already does not begin again, so a second subscription with a beginning gets a key of its own.
    const begins = !hasBegun && (options.last !== undefined || topic.startsWith("$presence/"));
    let key = keyOf(topic, options);
    for (let variant = 1; begins && this.#isInUse(key); variant++) {
      key = keyOf(topic, options, variant);
    }
    const listeners = this.#wanted.get(key) ?? new Set();
    this.#wanted.set(key, listeners.add(onEvent));
    if (hasBegun) this.#accepted.add(key);
    this.#source?.addEventListener(key, this.#onSourceEvent);
    this.#update();
    return () => {
      listeners.delete(onEvent);
      if (listeners.size > 0 || this.#wanted.get(key) !== listeners) return;
      this.#wanted.delete(key);
      this.#update();
    };
  }

  /** Whether the service may already have a key. */
  #isInUse(key: string): boolean {
    return [this.#wanted, this.#accepted, this.#sent].some((keys) => keys.has(key));
  }

  /** Opens a new connection, which resumes from a cursor. */
  rewind(cursor: string): void {
    this.#cursor = cursor;
    this.#open();
  }

  /** Opens a new connection, which resumes: the token has changed, or the network has. */
  reconnect(): void {
    if (this.#status === "connecting" || this.#status === "connected") this.#open();
  }

  /** Sends the subscriptions again, with the current token. */
  renew(): void {
    if (this.#clientId !== undefined) void this.#send();
  }

  /** The page may have slept. Reconnects unless the connection is known to be alive. */
  wake(): void {
    if (this.#status === "connecting" || this.#isSilent(this.#silence / 2)) this.reconnect();
  }

  close(): void {
    this.#wanted.clear();
    this.#stop("closed");
  }

  /** Brings the service up to date after the current turn, so that several changes need one request. */
  #update(): void {
    if (this.#isUpdateDue || this.#status === "closed") return;
    this.#isUpdateDue = true;
    queueMicrotask(() => {
      this.#isUpdateDue = false;
      if (this.#status === "closed") return;
      if (this.#wanted.size === 0) this.#stop("idle");
      else if (this.#status === "idle") this.#open();
      else if (this.#clientId !== undefined) void this.#send();
    });
  }

  #setStatus(status: Status): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#listener.onStatus(status, this.clientId);
  }

  #stop(status: Status): void {
    this.#disconnect();
    this.#accepted = new Set();
    this.#sent = new Set();
    this.#failures = 0;
    this.#setStatus(status);
  }

  #disconnect(): void {
    clearTimeout(this.#reconnectTimer);
    clearInterval(this.#checkTimer);
    this.#source?.close();
    this.#source = undefined;
    this.#clientId = undefined;
  }

  #open(): void {
    this.#disconnect();
    this.#setStatus("connecting");
    const { api, EventSource, withCredentials } = this.#settings;
    const query = new URLSearchParams({ envelope: "true", ping: "event" });
    if (this.#accepted.size === 0) this.#cursor = "";
    if (this.#cursor !== "") query.set("lastEventId", this.#cursor);
    const source = new EventSource(`${api}?${query}`, { withCredentials });
    this.#source = source;
    this.#hasOpened = false;
    this.#startedAt = this.#lastEventAt = Date.now();
    this.#lastPingAt = 0;
    this.#onSourceEvent = (event) => {
      if (source === this.#source) this.#onEvent(event);
    };
    for (const name of [...SERVICE_EVENTS, ...this.#wanted.keys()]) {
      source.addEventListener(name, this.#onSourceEvent);
    }
    source.addEventListener("open", (event) => {
      if (event.data === undefined) this.#hasOpened = true;
    });
    source.addEventListener("error", (event) => {
      // A message to a topic "error" has data.
      if (event.data === undefined && source === this.#source) this.#onBroken(source);
    });
    this.#checkTimer = setInterval(() => this.#check(), CHECK_INTERVAL);
  }

  /** The connection has ended, or could not be made. */
  #onBroken(source: EventSourceLike): void {
    this.#clientId = undefined;
    this.#setStatus("connecting");
    // After a response, the EventSource reconnects by itself: it knows the delay that the service asks for, so that the clients
    // of a server that restarts do not all come back at once. It resumes, which keys that have not begun must not.
    const reconnects = source.readyState === 0 && this.#hasOpened && this.#accepted.size > 0;
    this.#hasOpened = false;
    if (!reconnects) this.#retry();
  }

  /** @param delay The delay that the service asks for, in milliseconds. */
  #retry(delay = 0): void {
    this.#disconnect();
    if (this.#status === "closed") return;
    this.#setStatus("connecting");
    if (Date.now() - this.#startedAt > STABLE_AFTER) this.#failures = 0;
    const backoff = Math.min(MAX_DELAY, 500 * 2 ** this.#failures++);
    const random = backoff * (0.5 + Math.random() / 2);
    this.#reconnectTimer = setTimeout(() => this.#open(), Math.max(delay, random));
  }

  #isSilent(milliseconds: number): boolean {
    return Date.now() - this.#lastEventAt > milliseconds;
  }

  #check(): void {
    const isStarting = this.#clientId === undefined && !this.#hasOpened;
    if (!this.#isSilent(isStarting ? CONNECT_TIMEOUT : this.#silence)) return;
    // A service that pings less often than expected.
    if (this.#lastPingAt === 0) this.#silence *= 2;
    this.#retry();
  }

  #onEvent({ type, data, lastEventId }: MessageEvent): void {
    this.#lastEventAt = Date.now();
    if (lastEventId) this.#cursor = lastEventId;
    const value = parse(data);
    const { clientId, recovered } = Object(value) as { clientId?: string; recovered?: boolean };
    if (type === "PB_CONNECT") {
      this.#clientId = clientId;
      this.#startedAt = this.#lastEventAt;
      this.#mustResume = this.#accepted.size > 0;
      void this.#send();
    } else if (type === "PB_RESUME" && recovered === false) {
      this.#listener.onGap();
    } else if (type === "PB_AUTH_EXPIRED") {
      // From here on the stream misses private messages. A new stream resumes from this event's id.
      this.#settings.token.forget();
      this.#retry();
    } else if (type === "ping") {
      const interval = this.#lastEventAt - this.#lastPingAt;
      if (this.#lastPingAt > 0) this.#silence = interval * 2.5 + CHECK_INTERVAL;
      this.#lastPingAt = this.#lastEventAt;
    }
    const listeners = this.#wanted.get(type);
    if (listeners === undefined) {
      this.#listener.onProgress?.(false);
    } else {
      this.#accepted.add(type);
      callAll(listeners, value, lastEventId);
    }
  }

  /** Sets the subscriptions of the stream, until the service has all that are wanted. One request at a time. */
  async #send(): Promise<void> {
    this.#isSendDue = true;
    const clientId = this.#clientId;
    if (this.#sendingFor === clientId) return;
    this.#sendingFor = clientId;
    while (this.#isSendDue && clientId === this.#clientId) {
      this.#isSendDue = false;
      const keys = [...(this.#mustResume ? this.#accepted : this.#wanted.keys())];
      try {
        const token = await this.#settings.token.get();
        this.#sent = new Set(keys);
        await this.#settings.send("", { clientId, subscriptions: keys }, token);
        if (clientId === this.#clientId) this.#onAccepted();
      } catch (error) {
        if (clientId === this.#clientId) this.#onRefused(error as RealtimeClientError, keys);
      }
    }
    if (this.#sendingFor === clientId) this.#sendingFor = undefined;
  }

  #onAccepted(): void {
    this.#accepted = this.#sent;
    if (this.#mustResume) {
      this.#mustResume = false;
      const { size } = new Set([...this.#sent, ...this.#wanted.keys()]);
      if (size > this.#sent.size || size > this.#wanted.size) this.#isSendDue = true;
    }
    if (this.#isSendDue) return;
    this.#setStatus("connected");
    this.#listener.onProgress?.(true);
  }

  #onRefused(error: RealtimeClientError, keys: readonly string[]): void {
    const { status = 0, retryAfter = 0, message } = error;
    const { subscriptions } = Object(error.data) as { subscriptions?: Record<string, FieldError> };
    const refused = Object.entries(subscriptions ?? {}).filter(([index]) => index in keys);
    for (const [index, field] of refused) {
      const key = keys[Number(index)] ?? "";
      this.#wanted.delete(key);
      this.#accepted.delete(key);
      const topic = topicOf(key);
      this.#listener.onError(
        createError(`The service refuses the subscription to "${topic}". ${field.message}`, {
          ...{ status, topic, data: error.data },
        }),
      );
    }
    if (refused.length > 0) {
      if (this.#wanted.size === 0) this.#stop("idle");
      else if (this.#mustResume && this.#accepted.size === 0) this.#open();
      else this.#isSendDue = true;
      return;
    }
    if (status === 401) this.#settings.token.forget();
    // The service no longer knows this connection: nothing that the user could act on.
    if (status !== 404) this.#listener.onError(createError(message, { ...error, status }));
    this.#retry(retryAfter);
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data; // A string that an embedding app sent to one client.
  }
}
