import type { API, FieldError } from "./api.ts";
import type { createConnection } from "./connection.ts";
import type { Dom } from "./dom.ts";
import type { EventList, ShownEvent } from "./events.ts";
import type { Examples } from "./examples.ts";
import type { Key } from "./key.ts";
import type { createStreamParser, StreamBlock } from "./sse.ts";
import type { Store } from "./store.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The connection to the service, with the buttons that open and break it. */
export type Stream = ReturnType<typeof createStream>;

/** What `createStream` needs of the page. */
interface StreamParts {
  readonly dom: Dom;
  readonly api: API;
  readonly key: Key;
  readonly store: Store;
  readonly examples: Examples;
  readonly events: EventList;
  readonly subscriptions: Subscriptions;
  readonly parse: typeof createStreamParser;
  /** The function of event-reader.ts. */
  readonly read: (block: StreamBlock) => ShownEvent;
  readonly connectionTo: typeof createConnection;
  /** Runs when the stream has resumed. */
  readonly onResume: () => void;
  /** Runs when the service has accepted subscriptions. */
  readonly onSubscribe: () => void;
}

/** The function is longer than 50 lines because each function of the console's page must be self-contained (parts.ts). */
export function createStream(parts: StreamParts) {
  const { dom, api, key, store, examples, events, subscriptions, read } = parts;
  const { find, say, count } = dom;
  const { keys, split } = subscriptions;
  const connectButton = find<HTMLButtonElement>("#connect");
  const breakButton = find<HTMLButtonElement>("#break");
  let clientId = "";
  let isBroken = false;
  let isRefused = false;
  /** The key that opened the stream. */
  let keyOfStream = "";
  /** Whether a request that sets the subscriptions is on its way, and whether they have changed since. */
  let isSending = false;
  let isChanged = false;

  type State = "closed" | "connecting" | "open" | "broken" | "lost" | "refused";

  const showState = (state: State, text: string, note: string): void => {
    find("#state").dataset.state = state;
    say("#state-text", text);
    say("#stream-note", note, state === "lost" || state === "refused");
    find("#client-id").textContent = clientId === "" ? "none" : clientId;
    const isWanted = state !== "closed" && state !== "refused";
    connectButton.textContent = isWanted ? "Disconnect" : "Connect";
    breakButton.textContent = isBroken ? "Resume" : "Break";
    breakButton.disabled = !isWanted;
    store.write("connected", isWanted);
  };

  const onConnect = (block: StreamBlock): void => {
    ({ clientId } = JSON.parse(block.data ?? "{}") as { clientId: string });
    showState("open", "Connected", "The stream is open.");
    if (keys.size > 0) send();
  };

  const showResume = (data: string): void => {
    const { recovered, replayed = 0 } = JSON.parse(data) as {
      recovered: boolean;
      replayed?: number;
    };
    if (recovered) {
      say("#stream-note", `Resumed: ${count(replayed, "message")} replayed, none is missing.`);
      parts.onResume();
    } else {
      say("#stream-note", "Messages may be missing: the history is too short.", true);
    }
  };

  const onBlock = (block: StreamBlock): void => {
    if (block.data !== undefined) events.add(read(block));
    else if (block.retry !== undefined) {
      const wait = `The service asks to reconnect after ${block.retry} milliseconds.`;
      const data = block.comment ?? wait;
      events.add({
        kind: "service",
        name: "retry",
        data,
        cursor: "",
        type: "(none)",
        retry: block.retry,
      });
      if (block.comment !== undefined) showState("lost", "Waiting", block.comment);
    }
    if (block.type === "PB_CONNECT") onConnect(block);
    if (block.type === "PB_AUTH_EXPIRED") key.expire();
    if (block.type === "PB_RESUME") showResume(block.data ?? "");
  };

  const connection = parts.connectionTo(api, parts.parse, {
    onBlock,
    onLost: (reason) => {
      clientId = "";
      showState(
        "lost",
        "No connection",
        `${reason ?? "The service does not answer."} Trying again…`,
      );
    },
    onRefused: (reason) => {
      clientId = "";
      isRefused = true;
      showState("refused", "Refused", reason);
    },
  });

  const showExample = (sent: readonly string[]): void => {
    const lines = sent.map((one) => {
      const [topic, options] = split(one);
      return examples.subscribe(topic, options && `, ${options}`);
    });
    examples.show({ path: "", body: { clientId, subscriptions: sent }, sdk: lines.join("\n") });
  };

  /** Sets the subscriptions. If the service refuses one of them, it accepts none: the refused keys are removed, and the others sent again. */
  const sendOnce = async (): Promise<void> => {
    const sent = [...keys];
    const target = clientId;
    showExample(sent);
    try {
      await api.post("", { clientId, subscriptions: sent });
      if (target !== clientId) return;
      subscriptions.accept(sent);
      if (sent.length > 0) parts.onSubscribe();
    } catch (error) {
      // The stream may have ended in the meantime. The next stream sends the subscriptions again.
      if (target !== clientId) return;
      const { fields, message } = api.refusalOf(error);
      const refused = fields.flatMap((field: FieldError) => {
        const refusedKey =
          field.path[0] === "subscriptions" ? sent[Number(field.path[1])] : undefined;
        return refusedKey === undefined ? [] : [{ ...field, key: refusedKey }];
      });
      if (refused.length > 0) isChanged = true;
      if (refused.length > 0) subscriptions.refuse(refused);
      else subscriptions.showError(message);
    }
  };

  const send = (): void => {
    isChanged = true;
    if (isSending) return;
    isSending = true;
    void (async () => {
      while (isChanged && clientId !== "") {
        isChanged = false;
        await sendOnce();
      }
      isSending = false;
    })();
  };

  /** Opens the stream. The stream continues after the last event, unless `forget` was called. */
  const open = (): void => {
    isBroken = false;
    isRefused = false;
    clientId = "";
    keyOfStream = key.value();
    showState("connecting", "Connecting…", "Waiting for the service to open the stream.");
    const query = new URLSearchParams([
      ["envelope", "true"],
      ...[...keys].map((one) => ["topic", one]),
    ]);
    examples.show({
      path: `?${query}`,
      sdk: `${examples.subscribe("chat")} // connects`,
      isStream: true,
    });
    connection.open();
  };

  const disconnect = (): void => {
    connection.close();
    connection.forget();
    isBroken = false;
    isRefused = false;
    clientId = "";
    subscriptions.accept([]);
    showState("closed", "Not connected", "Subscribe to a topic to connect.");
  };

  connectButton.addEventListener("click", () => {
    if (connection.isOpen() || isBroken) disconnect();
    else open();
  });
  breakButton.addEventListener("click", () => {
    if (isBroken) {
      open();
      return;
    }
    connection.close();
    clientId = "";
    isBroken = true;
    showState("broken", "Broken", "Publish something, then press Resume.");
  });
  // A stream can't change its user, so the page opens a new stream. The new stream resumes where the old one ended.
  key.onChange(() => {
    const isWanted = connection.isOpen() || isRefused;
    if (isWanted && key.kind() !== "refused" && key.value() !== keyOfStream) open();
  });

  return {
    /** Brings the service's subscriptions up to date. Connects first if necessary. */
    update: (isAdded: boolean): void => {
      if (connection.isOpen()) send();
      else if (isAdded && !isBroken) open();
    },
    open,
  };
}
