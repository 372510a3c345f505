import { callAll } from "./call-all.ts";
import { type Connection, createConnection } from "./connection.ts";
import { type KeyOptions, keyOf } from "./key.ts";
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

/** The subscriptions with one key. */
interface Subscription {
  readonly topic: string;
  readonly listeners: Set<OnEvent>;
  /** Whether it begins with messages or members. */
  readonly begins: boolean;
  /** Whether it has begun. It then resumes from the cursor. */
  hasBegun: boolean;
}

/** An error of a field in an answer of the service. */
interface FieldError {
  readonly message: string;
}

/** Events that are no messages (docs/protocol.md). A topic with such a name gets a key with another name. */
const RESERVED = [
  "open",
  "error",
  "PB_CONNECT",
  "PB_RESUME",
  "PB_CURSOR",
  "PB_AUTH_EXPIRED",
  "ping",
];

/** An id that a stream can resume from (docs/protocol.md, "Which id does an event have?"). Others are random words. */
const CURSOR = /^\d+-\w+-\d+$|[.~]/;

/**
 * One stream with all subscriptions. The stream connects when there is a subscription, sets the subscriptions by POST, and
 * resumes from the cursor when it reconnects.
 */
export class Stream {
  readonly #settings: StreamSettings;
  readonly #listener: StreamListener;
  readonly #connection: Connection;
  /** The wanted subscriptions by their keys. */
  readonly #wanted = new Map<string, Subscription>();
  /** The id of the last event that a stream can resume from. */
  #cursor = "";
  /** Events after the cursor. A stream that breaks now begins their keys again. */
  #held: (() => void)[] = [];
  #status: Status = "idle";
  #clientId: string | undefined;
  /** Whether the keys that have begun must be set before other keys, because they resume and the others begin. */
  #mustResume = false;
  /** Number of keys that have begun with messages or members. */
  #beginnings = 0;
  /** The keys of the newest request. */
  #sent: readonly string[] = [];
  /** The connection that `#send` is working for. */
  #sendingFor: string | undefined;
  #isSendDue = false;

  constructor(settings: StreamSettings, listener: StreamListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#connection = createConnection(
      (onSourceEvent) => this.#createSource(onSourceEvent),
      (event) => this.#onEvent(event),
      () => {
        // An EventSource that reconnects resumes from the last id, which must be a cursor, and which keys that begin must not.
        const canResume = this.#held.length === 0 && this.#begunKeys.length > 0;
        this.#reset("connecting");
        return canResume;
      },
    );
  }

  get status(): Status {
    return this.#status;
  }

  /** The position of the stream. */
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
    const begins = !hasBegun && (Number(options.last) > 0 || topic.startsWith("$presence/"));
    // The service does not begin a key again that it has, so each beginning gets a key of its own.
    const variant = begins ? this.#beginnings++ : Number(RESERVED.includes(topic));
    const key = keyOf(topic, options, variant);
    const created = { topic, listeners: new Set<OnEvent>(), begins, hasBegun };
    const subscription = this.#wanted.get(key) ?? created;
    this.#wanted.set(key, subscription);
    subscription.listeners.add(onEvent);
    this.#connection.listen(key);
    this.#update();
    return () => {
      subscription.listeners.delete(onEvent);
      this.#update();
    };
  }

  get #begunKeys(): string[] {
    return [...this.#wanted].filter(([, { hasBegun }]) => hasBegun).map(([key]) => key);
  }

  /** Opens a new connection, which resumes from a cursor. */
  rewind(cursor: string): void {
    this.#cursor = cursor;
    this.#connection.open();
  }

  /** Opens a new connection, which resumes: the token has changed, or the network has. */
  reconnect(): void {
    if (this.#isActive) this.#connection.open();
  }

  /** Sends the subscriptions again, with the current token. */
  renew(): void {
    if (this.#clientId) void this.#send();
  }

  /** The page may have slept. Reconnects unless the connection is known to be alive. */
  wake(): void {
    if (this.#isActive) this.#connection.wake();
  }

  close(): void {
    this.#wanted.clear();
    this.#stop("closed");
  }

  get #isActive(): boolean {
    return this.#status === "connecting" || this.#status === "connected";
  }

  #createSource(onSourceEvent: (event: MessageEvent) => void): EventSourceLike {
    this.#reset("connecting");
    const { api, EventSource, withCredentials } = this.#settings;
    if (this.#begunKeys.length === 0) this.#cursor = "";
    const start = this.#cursor && `&lastEventId=${encodeURIComponent(this.#cursor)}`;
    const url = `${api}?envelope=true&ping=event${start}`;
    const source = new EventSource(url, { withCredentials });
    for (const name of [...RESERVED, ...this.#wanted.keys()]) {
      source.addEventListener(name, onSourceEvent);
    }
    return source;
  }

  /** Brings the service up to date after the current turn, so that several changes need one request. */
  #update(): void {
    queueMicrotask(() => {
      for (const [key, { listeners }] of this.#wanted) {
        if (listeners.size === 0) this.#wanted.delete(key);
      }
      if (this.#status === "closed") return;
      if (this.#wanted.size === 0) this.#stop("idle");
      else if (this.#status === "idle") this.#connection.open();
      else this.renew();
    });
  }

  /** There is no connection, or a new one. */
  #reset(status: Status): void {
    this.#clientId = undefined;
    this.#held = [];
    this.#sent = [];
    this.#setStatus(status);
  }

  #setStatus(status: Status): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#listener.onStatus(status, this.clientId);
  }

  #stop(status: Status): void {
    this.#connection.close();
    this.#reset(status);
  }

  #onEvent({ type, data, lastEventId }: MessageEvent): void {
    let value: unknown = data;
    try {
      value = JSON.parse(data);
    } catch {
      // A string that an embedding app sent to one client.
    }
    const { clientId, recovered } = Object(value) as { clientId?: string; recovered?: boolean };
    if (type === "PB_CONNECT") {
      // The stream resumes, but the keys that it resumed for are no longer wanted. The others must begin.
      this.#mustResume = this.#begunKeys.length > 0;
      if (this.#cursor && !this.#mustResume) {
        this.#connection.open();
        return;
      }
      this.#clientId = clientId;
      void this.#send();
    }
    if (recovered === false && type === "PB_RESUME") this.#listener.onGap();
    this.#held.push(() => this.#deliver(type, value, lastEventId));
    if (CURSOR.test(lastEventId)) {
      this.#cursor = lastEventId;
      for (const deliver of this.#held.splice(0)) deliver();
    }
    if (type === "PB_AUTH_EXPIRED") {
      // From here on the stream misses private messages. A new stream resumes from the cursor.
      this.#settings.token.forget();
      this.#connection.retry();
    }
  }

  #deliver(type: string, value: unknown, id: string): void {
    const subscription = this.#wanted.get(type);
    if (subscription) {
      subscription.hasBegun = true;
      callAll(subscription.listeners, value, id);
      return;
    }
    // An event of the service. PB_CURSOR ends the beginning of keys, also if its request has not been answered yet.
    if (type === "PB_CURSOR" || this.#sendingFor === undefined) this.#markBegun(true);
    this.#listener.onProgress?.(false);
  }

  /** The keys of the newest request have begun. @param all Also those whose messages or members may not have arrived. */
  #markBegun(all: boolean): void {
    for (const key of this.#sent) {
      const subscription = this.#wanted.get(key);
      if (subscription && (all || !subscription.begins)) subscription.hasBegun = true;
    }
  }

  /** Sets the subscriptions of the stream, until the service has all that are wanted. One request at a time. */
  async #send(): Promise<void> {
    this.#isSendDue = true;
    const clientId = this.#clientId;
    if (this.#sendingFor === clientId) return;
    this.#sendingFor = clientId;
    while (this.#isSendDue && clientId === this.#clientId) {
      let keys: string[] = [];
      try {
        const token = await this.#settings.token.get();
        if (clientId !== this.#clientId) return;
        this.#isSendDue = false;
        keys = this.#mustResume ? this.#begunKeys : [...this.#wanted.keys()];
        this.#sent = keys;
        await this.#settings.send("", { clientId, subscriptions: keys }, token);
        if (clientId === this.#clientId) this.#onAccepted();
      } catch (error) {
        if (clientId === this.#clientId) this.#onRefused(Object(error), keys);
      }
    }
    if (this.#sendingFor === clientId) this.#sendingFor = undefined;
  }

  #onAccepted(): void {
    this.#markBegun(false);
    if (this.#mustResume && this.#wanted.size > this.#sent.length) this.#isSendDue = true;
    this.#mustResume = false;
    if (this.#isSendDue) return;
    this.#setStatus("connected");
    this.#listener.onProgress?.(true);
  }

  #onRefused(error: RealtimeClientError, keys: readonly string[]): void {
    const { status, retryAfter, message = String(error), data } = error;
    const fields = Object(data).subscriptions as Record<string, FieldError> | undefined;
    let isRefused = false;
    for (const [index, field] of Object.entries(fields ?? {})) {
      const key = keys[Number(index)] ?? "";
      if (!key) continue;
      isRefused = true;
      const topic = this.#wanted.get(key)?.topic;
      this.#wanted.delete(key);
      if (topic === undefined) continue; // It has been removed since.
      const text = `The service refuses the subscription to "${topic}". ${field.message}`;
      this.#listener.onError(createError(text, { status, topic, data }));
    }
    if (isRefused) {
      if (this.#wanted.size === 0) this.#stop("idle");
      else if (this.#mustResume && this.#begunKeys.length === 0) this.#connection.open();
      else this.#isSendDue = true;
      return;
    }
    if (status === 401) this.#settings.token.forget();
    // The service no longer knows this connection: nothing that the user could act on.
    if (status !== 404) this.#listener.onError(createError(message, error));
    this.#connection.retry(retryAfter);
  }
}
