import { afterAll, afterEach, beforeAll } from "vitest";
import type { Answer } from "../../support/api.ts";
import { call, postJSON, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { queryOf, received } from "../../support/numbered.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";
import { bearer, JWT_SECRET, tokenFor } from "../../support/tokens.ts";

export type Headers = Readonly<Record<string, string>>;

/** An event as a test compares it: the event's name, and the data. */
export type Heard = readonly [event: string, data: unknown];

/** A service that takes tokens and has rules, for the tests of one `describe`. */
export interface RecordsWorld {
  readonly service: Service;
  readonly url: string;
  /** Opens a stream with subscription keys. It also receives the messages with which `heard` finds the end. */
  listen(keys: readonly string[], headers?: Headers, more?: Query): Promise<SSEClient>;
  /** Replaces the subscriptions of a client, as `listen` sets them. */
  subscribe(client: SSEClient, keys: readonly string[], headers?: Headers): Promise<Answer>;
  /** Publishes as the backend does. @throws when the messages were not accepted. */
  publish(...messages: readonly unknown[]): Promise<void>;
  /** Returns what a client has received so far, without the service's own events. */
  heard(client: SSEClient): Promise<readonly Heard[]>;
  /** The cursor of the newest message, for `history`. */
  cursor(): Promise<string>;
  /** Reads the history after a cursor, and returns the data of the messages. */
  history(after: string, keys: readonly string[], headers?: Headers): Promise<readonly unknown[]>;
}

type Query = Readonly<Record<string, string>>;

/** The topic of the messages with which `heard` finds the end. `listen` and `subscribe` subscribe to it. */
export const END = "end-of-messages";

/** Starts the service before the tests, and stops it after them. */
export function recordsWorld(runtime: RuntimeUnderTest, env: Query = {}): RecordsWorld {
  let started: Service | undefined;
  const service = () => {
    if (started === undefined) throw new Error("The service has not been started.");
    return started;
  };
  beforeAll(async () => {
    started = await startService(runtime, { env: { REALTIME_JWT_SECRET: JWT_SECRET, ...env } });
  });
  afterEach(closeClients);
  afterAll(async () => {
    await started?.stop();
  });
  return {
    get service() {
      return service();
    },
    get url() {
      return service().url;
    },
    listen: (keys, headers = {}, more = {}) =>
      openStream(service().url, { headers }, queryOf([...keys, END], more)),
    subscribe: ({ clientId }, keys, headers) => {
      const body = { clientId, subscriptions: [...keys, END] };
      return postJSON(service().url, "/api/realtime", body, headers);
    },
    publish: async (...messages) => {
      const { status, body } = await publish(service().url, messages);
      if (status !== 200) throw new Error(`The publish got ${status} ${JSON.stringify(body)}`);
    },
    heard: async (client) => {
      const [events = []] = await received(service().url, END, client);
      return events
        .filter(({ event = "" }) => !event.startsWith("PB_"))
        .map(({ event = "", data }) => [event, JSON.parse(data)] as const);
    },
    cursor: async () => (await readPage(service().url, [END], { limit: "1" })).cursor,
    history: async (after, keys, headers) => {
      const { messages } = await readPage(service().url, keys, { after }, headers);
      return messages.map(({ data }) => data);
    },
  };
}

interface HistoryPage {
  readonly messages: readonly { readonly data: unknown }[];
  readonly cursor: string;
}

async function readPage(
  url: string,
  keys: readonly string[],
  more: Query,
  headers: Headers = {},
): Promise<HistoryPage> {
  const path = `/api/realtime/messages${queryOf(keys, more)}`;
  const { status, body } = await call(url, path, { headers });
  if (status !== 200) throw new Error(`The history got ${status} ${JSON.stringify(body)}`);
  return body;
}

/** The credential of a user with a record: the fields of `@request.auth`. */
export async function userWith(
  record: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Headers> {
  return bearer(await tokenFor(String(record.id), {}, { record, ...claims }));
}

/** The ids of the records of events, in the order of their arrival. */
export function idsOf(heard: readonly Heard[]): string[] {
  return heard.map(([, data]) => (data as { record: { id: string } }).record.id);
}
