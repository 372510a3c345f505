/** Callbacks on each runtime: an identity that belongs to a stream, events, and backends that fail. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { call, publish, setSubscriptions } from "../support/api.ts";
import {
  type BackendAnswer,
  CALLBACK_SECRET,
  type CallbackBackend,
  startBackend,
} from "../support/callback-backend.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

type CallbackEvent = Readonly<Record<string, string>>;

const CHUNK = "x".repeat(64 * 1024);

const FAILURES: readonly (readonly [what: string, answer: BackendAnswer])[] = [
  ["answers 500", (_body, response) => void response.writeHead(500).end()],
  ["redirects", (_body, response) => void response.writeHead(307, { Location: "/other" }).end()],
  ["closes the connection", (_body, response) => void response.destroy()],
  ["does not answer", () => new Promise(() => undefined)],
  ["lies", () => ({ allow: true, subscription: ["a"] })],
  [
    "answers 10 MB",
    (_body, response) => {
      for (let n = 0; n < 160; n++) response.write(CHUNK);
      response.end();
      return undefined;
    },
  ],
];

export function callbackSuite(runtime: RuntimeUnderTest): void {
  describe(`callbacks on ${runtime.name}`, () => {
    let backend: CallbackBackend;
    let service: Service;
    beforeAll(async () => {
      backend = await startBackend();
      service = await startService(runtime, {
        env: {
          REALTIME_CALLBACK_URL: backend.url,
          REALTIME_CALLBACK_SECRET: CALLBACK_SECRET,
          REALTIME_CALLBACK_ASK: "connect,subscribe,publish",
          REALTIME_CALLBACK_TELL: "connected,disconnected,occupied,vacated",
          REALTIME_CALLBACK_TIMEOUT_SECONDS: "2",
          REALTIME_PRESENCE_GRACE_SECONDS: "1",
        },
      });
    });
    /** The events about a topic or a client, each once, as `connected anna` and so on. */
    const toldOf = (name: string): string[] => {
      const events = backend.bodies.flatMap((body) => (body.events ?? []) as CallbackEvent[]);
      const byId = new Map(events.map((event) => [event.id, event]));
      return [...byId.values()]
        .filter(({ topic, clientId }) => topic === name || clientId === name)
        .map(({ type, reason, identity }) => [type, reason ?? identity].join(" ").trim());
    };
    beforeEach(() => {
      backend.answer = () => ({ allow: true });
    });
    afterEach(closeClients);
    afterAll(async () => {
      await service.stop();
      expect(backend.faults).toEqual([]);
      await backend.close();
    });

    it("an identity belongs to the stream, with its rights", async () => {
      backend.answer = ({ type }) =>
        type === "connect" ? { allow: true, identity: "anna", rights: ["a/*"] } : { allow: true };
      const client = await openStream(service.url);
      for (const keys of [["a/1"], ["a/2"]]) {
        expect((await setSubscriptions(service.url, client.clientId, keys)).status).toBe(204);
      }
      await publish(service.url, { topic: "a/2", data: 1, private: true });
      await client.receive(1);
      const asked = backend.bodies.filter(({ type }) => type === "subscribe");
      expect(asked).toMatchObject([{ identity: "anna" }, { identity: "anna" }]);
    });

    it("the backend is told of a stream and a topic, in order, also when it fails at first", async () => {
      const tries: { readonly id: unknown; readonly events: unknown }[] = [];
      backend.answer = ({ type, events }, response, { headers }) => {
        if (events !== undefined) tries.push({ id: headers["webhook-id"], events });
        if (events !== undefined && tries.length <= 2) return void response.writeHead(500).end();
        return type === "connect" ? { allow: true, identity: "anna" } : { allow: true };
      };
      const client = await openStream(service.url, {}, "?topic=told");
      await eventually(() => toldOf("told").length === 1, "the topic is occupied");
      client.close();
      await eventually(() => toldOf("told").length === 2, "the topic is vacated");
      expect(toldOf("told")).toEqual(["occupied", "vacated"]);
      expect(toldOf(client.clientId)).toEqual(["connected anna", "disconnected client"]);
      const [first] = tries;
      expect(tries.filter(({ id }) => id === first?.id)).toEqual([first, first, first]);
    });

    it("a subscription and a message are refused with the reason", async () => {
      const { clientId } = await openStream(service.url);
      backend.answer = () => ({ allow: false, reason: "Not you." });
      const refused = { status: 403, body: { message: "Not you." } };
      expect(await setSubscriptions(service.url, clientId, ["a"])).toMatchObject(refused);
      expect(await publish(service.url, { topic: "a", data: 1 })).toMatchObject(refused);
    });

    it.each(FAILURES)("a request gets 503 when the backend %s", async (_what, answer) => {
      const asked = () => backend.bodies.filter(({ events }) => events === undefined).length;
      const before = asked();
      backend.answer = answer;
      const { status, headers } = await call(service.url, "/api/realtime/messages?topic=a");
      expect([status, headers.get("Retry-After")]).toEqual([503, "5"]);
      // A question is sent once more after a broken connection. A redirect is not followed.
      expect(asked() - before).toBeLessThanOrEqual(2);
      backend.answer = () => ({ allow: true });
      expect((await call(service.url, "/api/realtime/messages?topic=a")).status).toBe(200);
    });
  });
}
