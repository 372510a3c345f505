import type { API, FieldError } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { EventList, ShownEvent } from "./events.ts";
import type { Examples } from "./examples.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The connection to the service, with the buttons that open and break it. */
export type Stream = ReturnType<typeof createStream>;

/** The function is longer than 50 lines because each function of the console's page must be self-contained (parts.ts). */
export function createStream(
  { find, showResult, showError }: Dom,
  api: API,
  examples: Examples,
  events: EventList,
  { keys, split, refuse }: Subscriptions,
) {
  /** Milliseconds between a simulated disconnect and the reconnect. */
  const RECONNECT_DELAY = 2000;
  let stream: EventSource | undefined;
  let clientId = "";
  let lastEventId = "";
  let reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  /** The keys that the service has accepted. */
  let accepted: readonly string[] = [];

  const showState = (text: string, className: "" | "open" | "broken"): void => {
    find("#state").className = className;
    find("#state-text").textContent = text;
    find("#client-id").textContent = clientId === "" ? "none" : clientId;
    find("#connect").textContent = stream === undefined ? "Connect" : "Disconnect";
    find<HTMLButtonElement>("#break").disabled = className !== "open";
  };

  /** Reads the envelope of an event, as the list shows it. Undefined for an event without an envelope. */
  const readMessage = (key: string, text: string): Omit<ShownEvent, "cursor"> | undefined => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined;
    }
    // Events that an app sends to one client have no envelope. The user may also have switched the envelope off for a key.
    const { topic, id, at, data } = (value ?? {}) as Record<string, unknown>;
    if (typeof topic !== "string" || typeof at !== "string" || data === undefined) return undefined;
    return { name: topic, data: JSON.stringify(data), at, facts: [key, `id ${id}`, at] };
  };

  const showEvent = ({ type, data, lastEventId: cursor }: MessageEvent<string>): void => {
    if (cursor !== "") lastEventId = cursor;
    const key = split(type).join(" ");
    events.add({ ...(readMessage(key, data) ?? { name: key, data }), cursor });
  };

  const listenTo = (key: string): void => stream?.addEventListener(key, showEvent);

  const sendSubscriptions = async (): Promise<void> => {
    const sent = [...keys];
    const body = { clientId, subscriptions: sent };
    const lines = sent.map((key) => {
      const [topic, options] = split(key);
      return examples.subscribe(topic, options && `, ${options}`);
    });
    examples.show({ path: "", body, sdk: lines.join("\n") });
    if (clientId === "") return;
    try {
      await api.post("", body);
      accepted = sent;
      showResult("");
    } catch (error) {
      await onRefusal(error, sent);
    }
  };

  /** If one of the keys is wrong, removes the key and sends the others again: the service has taken none of them. */
  const onRefusal = async (error: unknown, sent: readonly string[]): Promise<void> => {
    // `api.request` sets the cause to `data` of the response. There, the errors of keys are by index.
    const { cause } = error as { cause?: { subscriptions?: Record<string, FieldError> } };
    const [index, fieldError] = Object.entries(cause?.subscriptions ?? {})[0] ?? [];
    const key = sent[Number(index)];
    if (key === undefined || fieldError === undefined) {
      showError(error);
      return;
    }
    keys.delete(key);
    await sendSubscriptions();
    refuse(key, fieldError);
  };

  const onConnect = (event: MessageEvent<string>, topicsOfURL: readonly string[]): void => {
    showEvent(event);
    ({ clientId } = JSON.parse(event.data) as { clientId: string });
    showState("connected", "open");
    // When the browser reconnects, the client id is new, and the URL has the topics of the first connection.
    if ([...keys].sort().join("\n") !== topicsOfURL.toSorted().join("\n")) void sendSubscriptions();
  };

  const onError = (): void => {
    if (stream?.readyState !== EventSource.CLOSED) {
      showState("disconnected, reconnecting", "broken");
      return;
    }
    disconnect();
    showResult("The stream was refused. Run the curl command below to see why.", true);
  };

  /** @param after Id of the last event received before the disconnect. Default "": the stream does not resume. */
  const connect = (after = ""): void => {
    const query = new URLSearchParams({ envelope: "true" });
    if (after !== "") {
      query.set("lastEventId", after);
      for (const key of accepted) if (keys.has(key)) query.append("topic", key);
    }
    stream = new EventSource(`${api.path}?${query}`);
    showState("connecting", "");
    const sdk = `${examples.subscribe("chat")} // connects`;
    const path = query.has("topic") ? `?${query}` : `?${query}&topic=chat`;
    examples.show({ path, sdk, isStream: true });
    for (const name of ["PB_RESUME", "PB_AUTH_EXPIRED", "message", ...keys]) listenTo(name);
    stream.addEventListener("PB_CONNECT", (event) => onConnect(event, query.getAll("topic")));
    stream.addEventListener("error", (event) => {
      // A message to a topic "error" is a MessageEvent.
      if (!(event instanceof MessageEvent)) onError();
    });
  };

  const disconnect = (): void => {
    if (reconnectTimer !== undefined) clearTimeout(reconnectTimer);
    stream?.close();
    stream = undefined;
    clientId = "";
    showState("not connected", "");
  };

  find("#connect").addEventListener("click", () => {
    if (stream === undefined) connect();
    else disconnect();
  });
  find("#break").addEventListener("click", () => {
    stream?.close();
    clientId = "";
    showState("disconnected for 2 seconds: publish something now", "broken");
    reconnectTimer = setTimeout(() => connect(lastEventId), RECONNECT_DELAY);
  });

  /** Brings the service's subscriptions up to date. Connects first if necessary. */
  const update = (added?: string): void => {
    if (added !== undefined) listenTo(added);
    if (added !== undefined && stream === undefined) connect();
    else void sendSubscriptions();
  };
  return { update };
}
