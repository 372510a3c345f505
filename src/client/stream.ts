import { callAll } from "./call-all.ts";
import { createConnection } from "./connection.ts";
import { keyOf } from "./key.ts";
import { createError } from "./requests.ts";
import type { OnEvent, Stream, StreamListener, StreamSettings } from "./stream-types.ts";
import type { RealtimeClientError, Status } from "./types.ts";

/** The subscriptions with one key. */
interface Subscription {
  readonly topic: string;
  readonly listeners: Set<OnEvent>;
  /** Whether it begins with messages of the history (`last`) or with a list of members. */
  readonly begins: boolean;
  /** Whether it has begun. It then resumes from the cursor. */
  hasBegun: boolean;
}

/** An error of a field in an answer of the service. */
interface FieldError {
  readonly message: string;
}

/** Events that are not messages (docs/protocol.md). A topic with such a name gets a key with another name. */
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

/** Creates a stream without subscriptions. */
export function createStream(settings: StreamSettings, listener: StreamListener): Stream {
  /** The wanted subscriptions by their keys. */
  const wanted = new Map<string, Subscription>();
  /** `Stream.cursor`. */
  let cursor = "";
  /** Events after the cursor. A stream that breaks now begins their keys again. */
  let held: (() => void)[] = [];
  let status: Status = "idle";
  let clientId: string | undefined;
  /** Whether the keys that have begun must be set before other keys, because they resume and the others begin. */
  let mustResume = false;
  /** Keys that have been removed from this connection. Their last messages may still come. */
  const removed = new Set<string>();
  /** The client id that `send` is working for. */
  let sendingFor: string | undefined;
  let isSendDue = false;

  const begunKeys = () => [...wanted].filter(([, { hasBegun }]) => hasBegun).map(([key]) => key);

  const setStatus = (next: Status) => {
    if (status === next) return;
    status = next;
    listener.onStatus(status, stream.clientId);
  };

  /** Clears the state of the connection. */
  const reset = (next: Status) => {
    clientId = undefined;
    held = [];
    removed.clear();
    setStatus(next);
  };

  const stop = (next: Status) => {
    connection.close();
    reset(next);
  };

  const createSource = (onSourceEvent: (event: MessageEvent) => void) => {
    reset("connecting");
    if (begunKeys().length === 0) cursor = "";
    const start = cursor && `&lastEventId=${encodeURIComponent(cursor)}`;
    const url = `${settings.api}?envelope=true&ping=event${start}`;
    const source = new settings.EventSource(url, { withCredentials: settings.withCredentials });
    for (const name of [...RESERVED, ...wanted.keys()])
      source.addEventListener(name, onSourceEvent);
    return source;
  };

  const onBroken = () => {
    // An EventSource that reconnects sends the last id. The last id must be a cursor, and keys that are still beginning must not resume.
    const canResume = held.length === 0 && begunKeys().length > 0;
    reset("connecting");
    return canResume;
  };

  /** Brings the service up to date after the current turn, so that several changes need one request. */
  const update = () =>
    queueMicrotask(() => {
      for (const [key, { listeners }] of wanted) {
        if (listeners.size === 0 && wanted.delete(key)) removed.add(key);
      }
      if (status === "closed") return;
      if (wanted.size === 0) stop("idle");
      else if (status === "idle") connection.open();
      else stream.renew();
    });

  const deliver = (type: string, value: unknown, id: string) => {
    const subscription = wanted.get(type);
    if (subscription) {
      subscription.hasBegun = true;
      callAll(subscription.listeners, value, id);
    } else listener.onProgress?.(false);
  };

  const onEvent = ({ type, data, lastEventId }: MessageEvent) => {
    let value: unknown = data;
    try {
      value = JSON.parse(data);
    } catch {
      // A string that an embedding app sent to one client.
    }
    if (type === "PB_CONNECT") {
      mustResume = begunKeys().length > 0;
      if (cursor && !mustResume) {
        // The stream resumes, but the keys that it resumed for are no longer wanted. The others must begin.
        connection.open();
        return;
      }
      clientId = Object(value).clientId;
      void send();
    }
    if (type === "PB_RESUME" && !Object(value).recovered) listener.onGap();
    held.push(() => deliver(type, value, lastEventId));
    if (CURSOR.test(lastEventId)) {
      cursor = lastEventId;
      for (const deliverHeld of held.splice(0)) deliverHeld();
    }
    if (type === "PB_AUTH_EXPIRED") {
      // From here on the stream misses private messages. A new stream resumes from the cursor.
      settings.token.forget();
      connection.retry();
    }
  };

  /** Sets the subscriptions of the stream, until the service has all that are wanted. One request at a time. */
  const send = async () => {
    isSendDue = true;
    const id = clientId;
    if (sendingFor === id) return;
    sendingFor = id;
    while (isSendDue && id === clientId) {
      let keys: string[] = [];
      try {
        const token = await settings.token.get();
        if (id !== clientId) return;
        isSendDue = false;
        keys = mustResume ? begunKeys() : [...wanted.keys()];
        await settings.send("", { clientId, subscriptions: keys }, token);
        if (id === clientId) onAccepted(keys);
      } catch (error) {
        if (id === clientId) onRefused(Object(error), keys);
      }
    }
    if (sendingFor === id) sendingFor = undefined;
  };

  const onAccepted = (keys: readonly string[]) => {
    for (const key of keys) {
      const subscription = wanted.get(key);
      // The others have begun when their first message arrives: until then it is not known which messages they begin with.
      if (subscription?.begins === false) subscription.hasBegun = true;
    }
    if (mustResume && wanted.size > keys.length) isSendDue = true;
    mustResume = false;
    if (isSendDue) return;
    setStatus("connected");
    listener.onProgress?.(true);
  };

  const onRefused = (error: RealtimeClientError, keys: readonly string[]) => {
    const { message = String(error), data } = error;
    const fields = Object(data).subscriptions as Record<string, FieldError> | undefined;
    let isRefused = false;
    for (const [index, field] of Object.entries(fields ?? {})) {
      const key = keys[Number(index)];
      if (key === undefined) continue;
      isRefused = true;
      const subscription = wanted.get(key);
      wanted.delete(key);
      if (!subscription) continue; // It has been removed since.
      const { topic, listeners } = subscription;
      const text = `The service refuses the subscription to "${topic}". ${field.message}`;
      listener.onError(createError(text, { ...error, topic }), listeners);
    }
    if (isRefused) {
      if (wanted.size === 0) stop("idle");
      else if (mustResume && begunKeys().length === 0) connection.open();
      else isSendDue = true;
      return;
    }
    if (error.status === 401) settings.token.forget();
    // With 404, the service no longer has this connection. The user can't do anything about it.
    if (error.status !== 404) listener.onError(createError(message, error));
    connection.retry(error.retryAfter);
  };

  const connection = createConnection(createSource, onEvent, onBroken);
  const stream: Stream = {
    get status() {
      return status;
    },
    get cursor() {
      return cursor;
    },
    get clientId() {
      return status === "connected" ? clientId : undefined;
    },
    add: (topic, options, onMessage, hasBegun = false) => {
      const begins = !hasBegun && ((options.last ?? 0) > 0 || topic.startsWith("$presence/"));
      let variant = RESERVED.includes(topic) ? 1 : 0;
      let key: string;
      // A key that the service already has does not begin again, so each beginning needs a key of its own. A key that was removed may
      // still receive messages of the earlier subscription.
      do key = keyOf(topic, options, variant++);
      while (removed.has(key) || (begins && wanted.has(key)));
      const created = { topic, listeners: new Set<OnEvent>(), begins, hasBegun };
      const subscription = wanted.get(key) ?? created;
      wanted.set(key, subscription);
      subscription.listeners.add(onMessage);
      connection.listen(key);
      update();
      return () => {
        subscription.listeners.delete(onMessage);
        update();
      };
    },
    rewind: (start) => {
      cursor = start;
      connection.open();
    },
    reconnect: () => {
      if (wanted.size > 0) connection.open();
    },
    renew: () => {
      if (clientId) void send();
    },
    wake: () => {
      if (wanted.size > 0) connection.wake();
    },
    close: () => {
      wanted.clear();
      stop("closed");
    },
  };
  return stream;
}
