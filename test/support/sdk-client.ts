import { EventSource } from "eventsource";
import PocketBase, { type SendOptions, type UnsubscribeFunc } from "pocketbase";
import { publish, readStats, type Stats } from "./api.ts";
import { eventually, within } from "./deadline.ts";
import { type RuntimeUnderTest, type Service, startService } from "./service.ts";

// Node has no EventSource by default. The SDK uses the global one.
globalThis.EventSource = EventSource;

/** The data that a listener received. */
export type Heard = readonly [listener: string, data: unknown];

/** A connected client of the official SDK, and the data that its listeners receive. */
export interface SDKClient {
  readonly pb: PocketBase;
  /** The data received so far. */
  readonly noted: readonly Heard[];
  /** Creates a listener that records data under `name`. */
  listener(name: string): (data: unknown) => void;
  /** Subscribes to a topic with a listener called `name`, or like the topic. */
  subscribe(topic: string, options?: SendOptions, name?: string): Promise<UnsubscribeFunc>;
  /** Subscribes to a collection's events ("*") or one record's with a listener called `name`. */
  subscribeRecords(collection: string, topic: string, name: string): Promise<UnsubscribeFunc>;
  /**
   * All data of earlier messages. Publishes a marker and waits until it arrives, because earlier messages arrive before it. Does
   * not work after unsubscribing from everything.
   */
  heard(): Promise<readonly Heard[]>;
}

/** One service and the SDK clients that tests connect to it. */
export interface SDKWorld {
  readonly service: Service;
  /** Starts the service. A restart uses the same port. */
  start(): Promise<void>;
  /** Stops the service, if it runs, and returns its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null | undefined>;
  /** @param token The token in the SDK's auth store. Default: none. */
  open(token?: string): Promise<SDKClient>;
  /** Unsubscribes every client from everything. */
  leave(): Promise<void>;
  /** Publishes as a backend does. @throws when it was not accepted. */
  post(messages: unknown): Promise<void>;
  stats(): Promise<Stats>;
  /** Waits until the server counts this many clients. */
  clients(count: number): Promise<void>;
}

export function createSDKWorld(
  runtime: RuntimeUnderTest,
  settings: Readonly<Record<string, string>> = {},
): SDKWorld {
  const opened = new Set<PocketBase>();
  let current: Service | undefined;
  const service = () => {
    if (current === undefined) throw new Error("The service has not been started.");
    return current;
  };
  const stats = () => soon(readStats(service().url), "the stats were answered");
  return {
    get service() {
      return service();
    },
    start: async () => {
      const port = current === undefined ? {} : { PORT: new URL(current.url).port };
      current = await startService(runtime, { env: { ...settings, ...port } });
    },
    stop: async (signal) => current?.stop(signal),
    open: (token) => {
      const pb = new PocketBase(service().url);
      if (token !== undefined) pb.authStore.save(token);
      opened.add(pb);
      return connect(pb);
    },
    leave: async () => {
      const leaving = [...opened].map((pb) => pb.realtime.unsubscribe());
      opened.clear();
      await soon(Promise.all(leaving), "every SDK client unsubscribed");
    },
    post: (messages) => post(service().url, messages),
    stats,
    clients: async (count) => {
      const counted = async () => (await stats()).clients === count;
      await eventually(counted, `the server counts ${count} clients`);
    },
  };
}

let clientCount = 0;

async function connect(pb: PocketBase): Promise<SDKClient> {
  clientCount += 1;
  const marker = `mark-of-client-${clientCount}`;
  const noted: Heard[] = [];
  let sent = 0;
  let reached = 0;
  const listener = (name: string) => (data: unknown) => void noted.push([name, data]);
  const onMarker = ({ number }: { number: number }) => {
    reached = number;
  };
  await soon(pb.realtime.subscribe(marker, onMarker), "the SDK connected");
  return {
    pb,
    noted,
    listener,
    subscribe: (topic, options, name = topic) =>
      soon(pb.realtime.subscribe(topic, listener(name), options), `subscribed to ${topic}`),
    subscribeRecords: (collection, topic, name) =>
      soon(pb.collection(collection).subscribe(topic, listener(name)), `subscribed to ${name}`),
    heard: async () => {
      sent += 1;
      await post(pb.baseURL, { topic: marker, data: { number: sent } });
      await eventually(() => reached === sent, `marker ${sent} (${marker}) arrives`);
      return [...noted];
    },
  };
}

async function post(url: string, messages: unknown): Promise<void> {
  const { status, body } = await soon(publish(url, messages), "the publish was answered");
  if (status !== 200) throw new Error(`The publish got ${status} ${JSON.stringify(body)}`);
}

/** A deadline for operations that should be quick. */
export function soon<T>(promise: Promise<T>, label: string): Promise<T> {
  return within(promise, 10_000, label);
}
