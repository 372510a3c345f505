import { afterAll, afterEach, beforeAll } from "vitest";
import { ADMIN_KEY, type Answer, call, postJSON, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import type { SSEClient } from "../../support/sse-client.ts";
import { JWT_SECRET } from "../../support/tokens.ts";

export type Headers = Readonly<Record<string, string>>;

export const ADMIN: Headers = { Authorization: `Bearer ${ADMIN_KEY}` };
export const ORIGIN = "https://app.example.com";

/** A service that takes tokens, for the tests of one `describe`. */
export interface AccessWorld {
  readonly url: string;
  readonly service: Service;
  get(path: string, headers?: Headers): Promise<Answer>;
  post(path: string, body: unknown, headers?: Headers): Promise<Answer>;
  subscribe(clientId: string, keys: readonly string[], headers?: Headers): Promise<Answer>;
  /** Publishes as the backend does. @throws when the message was not accepted. */
  publish(...messages: readonly unknown[]): Promise<void>;
  /** The events of a client that is subscribed to `key`, up to a last message that this function publishes. */
  heard(client: SSEClient, key: string): Promise<readonly unknown[]>;
}

/** Starts the service before the tests and stops it after them. */
export function accessWorld(
  runtime: RuntimeUnderTest,
  env: Readonly<Record<string, string | undefined>> = {},
): AccessWorld {
  let started: Service | undefined;
  let fences = 0;
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
  const world: AccessWorld = {
    get url() {
      return service().url;
    },
    get service() {
      return service();
    },
    get: (path, headers = {}) => call(service().url, path, { headers }),
    post: (path, body, headers) => postJSON(service().url, path, body, headers),
    subscribe: (clientId, subscriptions, headers) =>
      postJSON(service().url, "/api/realtime", { clientId, subscriptions }, headers),
    publish: async (...messages) => {
      const answer = await publish(service().url, messages);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    },
    heard: async ({ events }, key) => {
      fences += 1;
      const fence = `fence ${fences}`;
      const topic = key.split("?")[0]?.replace(/\*$/, "fence");
      await world.publish({ topic, data: fence });
      const isThere = () => events.some(({ data }) => data === JSON.stringify(fence));
      await eventually(isThere, `${fence} arrives`);
      return events
        .map(({ data }) => JSON.parse(data))
        .filter((data) => typeof data !== "string" || !data.startsWith("fence "));
    },
  };
  return world;
}
