import type { EventSourceLike } from "./types.ts";

type OnSourceEvent = (event: MessageEvent) => void;

/** How often the connection checks for silence, in milliseconds. */
const CHECK_INTERVAL = 5_000;
/** The longest time to the first event, in milliseconds. */
const CONNECT_TIMEOUT = 20_000;
/** The longest time that an `EventSource` may take to reconnect: the service may ask for a minute. In milliseconds. */
const RECONNECT_TIMEOUT = 90_000;
const MAX_DELAY = 30_000;

/** Keeps one stream open, and opens the next one when it ends. */
export interface Connection {
  /** Opens a stream in place of the current one. */
  open(): void;
  /** Adds an event to those that `createSource` listens to. */
  listen(name: string): void;
  /** Opens a stream after a delay, which grows with each failure. @param delay Delay that the service asks for, in milliseconds. */
  retry(delay?: number): void;
  /** Opens a stream at once, unless the current one is known to be alive. */
  wake(): void;
  close(): void;
}

/**
 * Creates a connection that is not open. It ends a stream that is silent, and opens the next with back-off.
 *
 * @param createSource Creates the next `EventSource`, and lets a function listen to all events, "open" and "error" among them.
 * @param onEvent Called for each event of the current stream.
 * @param onBroken Called at the end of a stream. Returns whether the `EventSource` may reconnect by itself.
 */
export function createConnection(
  createSource: (onSourceEvent: OnSourceEvent) => EventSourceLike,
  onEvent: OnSourceEvent,
  onBroken: () => boolean,
): Connection {
  let source: EventSourceLike | undefined;
  let onSourceEvent: OnSourceEvent = () => {};
  /** Whether there has been a response, which may say when to reconnect. */
  let hasResponse = false;
  let failures = 0;
  /** When the stream's first event arrived, in milliseconds since 1970. 0 before it, and after the first ping. */
  let connectedAt = 0;
  /** A stream without an event for this time counts as lost. The service pings every 30 seconds by default. In milliseconds. */
  let silence = 75_000;
  let lastEventAt = 0;
  /** The stream counts as lost after this time without an event, in milliseconds. */
  let patience = 0;
  /** Whether a delay is running, here or in the `EventSource`. */
  let isWaiting = false;
  /** Checks the stream, or opens the next. */
  let timer: ReturnType<typeof setTimeout> | undefined;

  const wait = (milliseconds: number, isDelay = false) => {
    lastEventAt = Date.now();
    patience = milliseconds;
    isWaiting = isDelay;
  };
  const isSilent = (milliseconds: number) => Date.now() - lastEventAt > milliseconds;

  const close = () => {
    clearInterval(timer);
    source?.close();
    source = undefined;
  };

  const open = () => {
    close();
    hasResponse = false;
    connectedAt = 0;
    wait(CONNECT_TIMEOUT);
    onSourceEvent = (event) => {
      if (created === source) onCurrentEvent(event);
    };
    const created = createSource(onSourceEvent);
    source = created;
    timer = setInterval(() => {
      if (!isSilent(patience)) return;
      // The service may ping less often than expected, or a proxy holds the events back.
      if (connectedAt > 0) silence *= 2;
      retry();
    }, CHECK_INTERVAL);
  };

  const retry = (delay = 0) => {
    close();
    onBroken();
    isWaiting = true;
    const backoff = Math.min(MAX_DELAY, 500 * 2 ** failures++);
    timer = setTimeout(open, delay + backoff * (0.5 + Math.random() / 2));
  };

  const onCurrentEvent: OnSourceEvent = (event) => {
    const { type } = event;
    if (type === "error") {
      // After a response, the EventSource reconnects by itself, after the delay of `retry:`, so that the clients
      // of a server that restarts do not all come back at once.
      if (onBroken() && hasResponse && source?.readyState === 0) {
        wait(RECONNECT_TIMEOUT, true);
      } else retry();
      hasResponse = false;
    } else if (type === "open") {
      hasResponse = true;
    } else {
      const now = Date.now();
      if (type === "PB_CONNECT") connectedAt = now;
      if (type === "ping" && connectedAt > 0) {
        // The first ping comes after three quarters of the interval, or after the interval. Later pings may arrive close together.
        silence = 15_000 + (now - connectedAt) * 3;
        // The stream has lasted: the next delay is short again.
        connectedAt = failures = 0;
      }
      wait(silence);
      onEvent(event);
    }
  };

  return {
    open,
    listen: (name) => source?.addEventListener(name, onSourceEvent),
    retry,
    wake: () => {
      if (isWaiting || isSilent(patience / 2)) open();
    },
    close,
  };
}
