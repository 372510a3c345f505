import type { API } from "./api.ts";
import type { StreamBlock } from "./sse.ts";

/** A stream that reconnects by itself. */
export type Connection = ReturnType<typeof createConnection>;

export interface ConnectionListener {
  /** A block of the stream has arrived. */
  onBlock(block: StreamBlock): void;
  /** The connection has ended, and a new attempt follows. `reason` is undefined if the service gave none. */
  onLost(reason: string | undefined): void;
  /** The service has refused the stream, and a new attempt would not help. */
  onRefused(reason: string): void;
}

/**
 * Creates a connection that is closed at first. It reads the stream with `fetch`, so that the request has the key.
 * One function longer than 50 lines: a part must be self-contained (parts.ts).
 *
 * @param createStreamParser The function of sse.ts.
 */
export function createConnection(
  api: API,
  createStreamParser: () => (text: string) => StreamBlock[],
  listener: ConnectionListener,
) {
  /** Milliseconds before the second attempt. The delay doubles with each attempt. */
  const FIRST_DELAY = 500;
  const MAX_DELAY = 5000;
  let current: AbortController | undefined;
  let lastEventId = "";
  let attempts = 0;
  /** The delay that the service has asked for. */
  let retry: number | undefined;
  let wake: (() => void) | undefined;
  /** When the last heartbeat came, and the longest time between two of them, in milliseconds. 0: not known. */
  let beatAt = 0;
  let interval = 0;

  /** Learns how often the service sends a heartbeat. It does not say so. */
  const noteHeartbeat = (text: string): void => {
    if (!/^: ping/m.test(text)) return;
    const now = performance.now();
    if (beatAt > 0) interval = Math.max(interval, now - beatAt);
    beatAt = now;
  };

  /** Resolves with undefined when the service has been silent for three heartbeats: a connection can end without a sign. */
  const silence = (): { readonly promise: Promise<undefined>; readonly end: () => void } => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const promise = new Promise<undefined>((resolve) => {
      if (interval > 0) timer = setTimeout(() => resolve(undefined), 3 * interval);
    });
    return { promise, end: () => clearTimeout(timer) };
  };

  const read = async (response: Response, signal: AbortSignal): Promise<void> => {
    const parse = createStreamParser();
    const reader = response.body?.getReader();
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for (;;) {
      const silent = silence();
      const part = await Promise.race([reader?.read(), silent.promise]);
      silent.end();
      if (signal.aborted || part === undefined || part.done) {
        await reader?.cancel();
        return;
      }
      const text = decoder.decode(part.value, { stream: true });
      noteHeartbeat(text);
      for (const block of parse(text)) {
        if (block.id !== undefined && block.data !== undefined) lastEventId = block.id;
        if (block.retry !== undefined) retry = block.retry;
        if (block.data !== undefined) attempts = 0;
        listener.onBlock(block);
        if (signal.aborted) return;
      }
    }
  };

  /** Waits before the next attempt. The browser's event `online` ends the wait. */
  const pause = async (): Promise<void> => {
    const delay = Math.min(FIRST_DELAY * 2 ** attempts, MAX_DELAY) * (0.75 + Math.random() / 2);
    attempts += 1;
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, Math.max(delay, retry ?? 0));
    });
    retry = undefined;
  };

  const attempt = async (signal: AbortSignal): Promise<void> => {
    beatAt = 0;
    const query = new URLSearchParams({ envelope: "true" });
    if (lastEventId !== "") query.set("lastEventId", lastEventId);
    try {
      await read(await api.open(`?${query}`, { signal }), signal);
      if (!signal.aborted) listener.onLost(undefined);
    } catch (error) {
      if (signal.aborted) return;
      const { status, message } = api.refusalOf(error);
      if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        close();
        listener.onRefused(message);
      } else listener.onLost(status === 0 ? undefined : message);
    }
  };

  const close = (): void => {
    current?.abort();
    current = undefined;
    wake?.();
  };

  const open = async (): Promise<void> => {
    close();
    const own = new AbortController();
    current = own;
    attempts = 0;
    retry = undefined;
    while (!own.signal.aborted) {
      await attempt(own.signal);
      if (!own.signal.aborted) await pause();
    }
  };

  addEventListener("online", () => wake?.());

  return {
    /** Opens the stream, after the event that was received last. */
    open: (): void => void open(),
    /** Closes the stream. The next stream resumes where this one ended, unless `forget` is called. */
    close,
    /** Makes the next stream begin with new messages. */
    forget: (): void => {
      lastEventId = "";
    },
    isOpen: (): boolean => current !== undefined,
  };
}
