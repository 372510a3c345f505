import { callAll } from "./call-all.ts";
import { KEY_OPTIONS, publish, readHistory, readPresence } from "./calls.ts";
import { checkNames, type KeyOptions } from "./key.ts";
import { readMessage } from "./message.ts";
import { followMembers } from "./presence.ts";
import { createError, createSend } from "./requests.ts";
import { createStream } from "./stream.ts";
import type { OnEvent, StreamLike, StreamListener } from "./stream-types.ts";
import { createTokenStore } from "./token.ts";
import type {
  ConnectOptions,
  EventMap,
  HistoryOptions,
  Message,
  Presence,
  Publication,
  Realtime,
  RealtimeClientError,
  RealtimeEvents,
  Status,
  SubscribeOptions,
} from "./types.ts";

type Listener = (value: unknown) => void;
type WithStream = (run: (stream: StreamLike) => void) => void;

/**
 * Creates a client. It connects when there is a subscription.
 *
 * @param url Address of the service, without `/api/realtime`: `https://rt.example`.
 * @throws TypeError for an unknown option. Without an `EventSource`, `subscribe` throws one.
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
  checkNames("connect", options, ["token", "withCredentials", "share", "EventSource", "fetch"]);
  const { withCredentials = false, EventSource = globalThis.EventSource } = options;
  const api = `${String(url).replace(/\/$/, "")}/api/realtime`;
  let status: Status = "idle";
  let clientId: string | undefined;
  const listeners = { status: new Set(), gap: new Set(), error: new Set() } as Record<
    keyof RealtimeEvents,
    Set<Listener>
  >;
  const closing = new AbortController();
  // The global `fetch` must be called without another `this`.
  const request = options.fetch ?? ((url, init) => fetch(url, init));
  const send = createSend(api, request, withCredentials ? "include" : "same-origin");
  const withStream: WithStream = (run) => void streamOpened.then(run);
  const token = createTokenStore(options.token, () => withStream((stream) => stream.renew()));

  /** Sends a request with the token, and once more with a fresh token if the service refuses this one. */
  const call = async (path: string, body?: unknown) => {
    const current = await token.get();
    return send(path, body, current).catch(async (error: RealtimeClientError) => {
      if (error.status !== 401 || !current) throw error;
      token.forget();
      return send(path, body, await token.get());
    });
  };
  const read = async (path: string, body?: unknown) => (await call(path, body)).json();

  const streamListener: StreamListener = {
    onStatus: (newStatus, newClientId) => {
      status = newStatus;
      clientId = newClientId;
      callAll(listeners.status, status);
    },
    onGap: () => callAll(listeners.gap, undefined),
    onError: (error) => callAll(listeners.error, error),
  };
  const settings = { api, withCredentials, EventSource, token };
  const open = (): StreamLike => createStream({ ...settings, send }, streamListener);
  const streamOpened = options.share
    ? import("./share/share.ts")
        .then(({ shareStream }) =>
          shareStream({ ...settings, options, fetch: request }, streamListener),
        )
        .catch(open)
    : Promise.resolve(open());

  const add = (topic: string, keyOptions: KeyOptions, onEvent: OnEvent) => {
    if (!EventSource) {
      throw new TypeError("There is no EventSource here. Pass the option EventSource.");
    }
    let end: (() => void) | undefined;
    let hasEnded = false;
    withStream((stream) => {
      // Another listener of the same message may end this subscription.
      end = stream.add(topic, keyOptions, (data, id) => hasEnded || onEvent(data, id));
    });
    return () => {
      hasEnded = true;
      // Later, so that a subscription that is added in the same turn keeps the stream open.
      withStream(() => end?.());
    };
  };

  const followPresence = (topic: string, onChange: (presence: Presence) => void) => {
    if (/(^|\/)\*$/.test(topic)) {
      throw new TypeError(`presence: "${topic}" has no members.`);
    }
    const follow = followMembers(onChange);
    // A change is a message, in an envelope. The list of members is an event without one.
    return add(`$presence/${topic}`, {}, (event) => follow(readMessage("", event, "").data));
  };

  listenToPage(withStream, closing.signal);
  const realtime = {
    get status() {
      return status;
    },
    get clientId() {
      return clientId;
    },
    subscribe: (
      topic: string,
      onMessage: (message: Message) => void,
      { presence, ...keyOptions }: SubscribeOptions = {},
    ) => {
      checkNames("subscribe", keyOptions, ["last", ...KEY_OPTIONS, "leave"]);
      const onEvent: OnEvent = (data, id) => onMessage(readMessage(topic, data, id));
      // First, because it throws for a topic with `*`. The other subscription would then have no end.
      const ends = presence ? [followPresence(topic, presence)] : [];
      ends.push(add(topic, keyOptions, onEvent));
      return () => {
        for (const end of ends) end();
      };
    },
    on: (name: keyof RealtimeEvents, listener: Listener) => {
      checkNames("on", { [name]: true }, Object.keys(listeners));
      listeners[name].add(listener);
      return () => listeners[name].delete(listener);
    },
    publish: (messages: Publication | readonly Publication[]) => publish(read, messages),
    history: (topic: string, historyOptions?: HistoryOptions) =>
      readHistory(read, topic, historyOptions),
    presence: (topic: string, onChange?: (presence: Presence) => void) =>
      onChange ? followPresence(topic, onChange) : readPresence(read, topic),
    setInfo: async (topic: string, info: Record<string, unknown>) => {
      if (!clientId) {
        throw createError(`Subscribe to "${topic}" first, and wait for "connected".`);
      }
      await call("/presence", { clientId, topic, info });
    },
    refreshToken: () => {
      token.forget();
      withStream((stream) => stream.reconnect());
    },
    close: () => {
      token.forget();
      withStream((stream) => stream.close());
      closing.abort();
    },
  };
  return realtime as unknown as Realtime<Events>;
}

/** Reconnects at once when the network is back, or the page may have slept. Node has none of these events. */
function listenToPage(withStream: WithStream, signal: AbortSignal): void {
  const wake = ({ type }: Event) => {
    if (type === "online") withStream((stream) => stream.reconnect());
    else if (!globalThis.document?.hidden) withStream((stream) => stream.wake());
  };
  for (const name of ["online", "pageshow", "visibilitychange"]) {
    globalThis.addEventListener?.(name, wake, { signal });
  }
}
