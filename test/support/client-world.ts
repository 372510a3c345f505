import { EventSource } from "eventsource";
import type {
  ConnectOptions,
  Message,
  Realtime,
  RealtimeClientError,
  Status,
  SubscribeOptions,
} from "../../src/client/types.ts";
import { connect } from "../../src/client.ts";
import { publish } from "./api.ts";
import { trackClient } from "./clients.ts";
import { eventually } from "./deadline.ts";
import type { RuntimeUnderTest } from "./runtimes.ts";
import { type Service, startService } from "./service.ts";

/** A client (`pocketwire/client`), and what it has told. */
export interface OpenedClient {
  readonly realtime: Realtime;
  readonly statuses: readonly Status[];
  readonly errors: readonly RealtimeClientError[];
  /** Number of `gap` events. */
  readonly gaps: () => number;
  /** Subscribes, and collects the messages. */
  collect(topic: string, options?: SubscribeOptions): Collected;
  /** Waits until the service has all subscriptions. */
  connected(): Promise<void>;
}

/** The messages of one subscription. */
export interface Collected {
  readonly messages: readonly Message[];
  /** The numbers in the messages, `{ n }`. */
  numbers(): number[];
  /** The data of the first `count` messages, once they have arrived. */
  receive(count: number): Promise<unknown[]>;
  readonly off: () => void;
}

/** One service, and the clients that tests connect to it. */
export interface ClientWorld {
  readonly service: Service;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<unknown>;
  open(options?: ConnectOptions & { readonly url?: string }): OpenedClient;
  /** Publishes as a backend does. @throws when it was not accepted. */
  post(...messages: readonly object[]): Promise<void>;
}

export function createClientWorld(
  runtime: RuntimeUnderTest,
  settings: Readonly<Record<string, string>> = {},
): ClientWorld {
  let current: Service | undefined;
  const service = () => {
    if (current === undefined) throw new Error("The service has not been started.");
    return current;
  };
  return {
    get service() {
      return service();
    },
    start: async () => {
      const port = current === undefined ? {} : { PORT: new URL(current.url).port };
      current = await startService(runtime, { env: { ...settings, ...port } });
    },
    stop: async (signal) => current?.stop(signal),
    open: ({ url = service().url, ...options } = {}) => openClient(url, options),
    post: async (...messages) => {
      const { status, body } = await publish(service().url, messages);
      if (status !== 200) throw new Error(`A post got ${status}: ${JSON.stringify(body)}`);
    },
  };
}

/** Opens a client with Node's `EventSource`. `closeClients` closes it. */
export function openClient(url: string, options: ConnectOptions = {}): OpenedClient {
  const realtime = connect(url, { EventSource, ...options });
  trackClient(() => realtime.close());
  const statuses: Status[] = [];
  const errors: RealtimeClientError[] = [];
  let gaps = 0;
  realtime.on("status", (status) => statuses.push(status));
  realtime.on("error", (error) => errors.push(error));
  realtime.on("gap", () => {
    gaps += 1;
  });
  return {
    ...{ realtime, statuses, errors, gaps: () => gaps },
    collect: (topic, subscribeOptions) => collect(realtime, topic, subscribeOptions),
    connected: async () => {
      const isConnected = () => realtime.status === "connected";
      const label = () => `the client is connected, ${errors.map(({ message }) => message)}`;
      await eventually(isConnected, "the client is connected").catch(() => {
        throw new Error(label());
      });
    },
  };
}

function collect(realtime: Realtime, topic: string, options?: SubscribeOptions): Collected {
  const messages: Message[] = [];
  const off = realtime.subscribe(topic, (message) => messages.push(message), options);
  return {
    messages,
    off,
    numbers: () => messages.map(({ data }) => (data as { n: number }).n),
    receive: async (count) => {
      const label = `${count} messages of ${topic}`;
      await eventually(() => messages.length >= count, label);
      return messages.slice(0, count).map(({ data }) => data);
    },
  };
}
