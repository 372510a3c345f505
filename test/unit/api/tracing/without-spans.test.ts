/** What remains when OpenTelemetry fails, is not registered, or is not used at all. */
import { context, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";
import { createTracing } from "../../../../src/api/tracing/open-telemetry.ts";
import { hasSDK } from "../../../../src/api/tracing/spans.ts";
import type { Tracing } from "../../../../src/realtime/tracing-port.ts";
import { registerNodeSDK } from "../../../support/node-sdk.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";
import { recordSpans, unregisterSDK } from "../../../support/spans.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ADMIN = { Authorization: "an-admin-key-of-a-test", "Content-Type": "application/json" };

afterEach(unregisterSDK);

/** Publishes one message to a client with envelopes, and returns the event, the page of the history and the status. */
async function publishOne(tracing: Tracing | undefined, headers: Record<string, string>) {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const server = createServer({ adminKey: ADMIN.Authorization, tracing, logger });
  const sink = new RecordingSink();
  const connection = await server.registry.open({ topics: ["chat"], envelope: true });
  await connection.attach(sink);
  const body = { clientId: connection.clientId, subscriptions: ["chat"] };
  const call = (path: string, init?: object) =>
    server.app.request(`/api/realtime${path}`, { headers: { ...ADMIN, ...headers }, ...init });
  const subscribed = await call("", { method: "POST", body: JSON.stringify(body) });
  const message = JSON.stringify({ topic: "chat", data: 1, id: "m1" });
  const published = await call("/messages", { method: "POST", body: message });
  const history = await (await call("/messages?topic=chat")).json();
  const stream = await call("?topic=chat");
  await stream.body?.cancel();
  await server.close();
  const [, event = ""] = /^data: (.*)$/m.exec(sink.text) ?? [];
  const statuses = [subscribed.status, published.status, stream.status];
  return { event: JSON.parse(event), message: history.messages[0], statuses };
}

/** The methods of an SDK that fail. */
const FAILURES = [
  "getTracer",
  "startSpan",
  "spanContext",
  "setAttributes",
  "end",
  "active",
  "with",
];

/** Registers an SDK in which one method throws. */
function registerFailing(method: string): void {
  const fail = () => {
    throw new Error("The SDK fails.");
  };
  recordSpans(registerNodeSDK);
  const failing = (target: object): object =>
    new Proxy(target, {
      get(object, name) {
        if (name === method) return fail;
        const value = Reflect.get(object, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, object, args);
          // Tracers and spans.
          return Object(result) === result ? failing(Object(result)) : result;
        };
      },
    });
  const provider = trace.getTracerProvider();
  trace.disable();
  trace.setGlobalTracerProvider(failing(provider) as never);
  if (method !== "active" && method !== "with") return;
  context.disable();
  const manager = { active: fail, with: fail, bind: fail, enable: fail, disable: () => manager };
  context.setGlobalContextManager(manager as never);
}

describe("an SDK that throws", () => {
  it.each(FAILURES)("in %s changes no response and loses no message", async (method) => {
    registerFailing(method);
    const { event, statuses } = await publishOne(createTracing(), { traceparent: TRACEPARENT });
    const [, traceId] = TRACEPARENT.split("-");
    const traceparent = expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(event).toMatchObject({ id: "m1", data: 1, traceparent });
    expect(statuses).toEqual([204, 200, 200]);
  });
});

describe("tracing without an SDK", () => {
  it("passes the context of the publisher on", async () => {
    expect(hasSDK()).toBe(false);
    const { event, message } = await publishOne(createTracing(), { traceparent: TRACEPARENT });
    expect([event.traceparent, message.traceparent]).toEqual([TRACEPARENT, TRACEPARENT]);
  });

  it("adds no context if the publisher has sent none", async () => {
    const { event, message } = await publishOne(createTracing(), {});
    expect(Object.keys(event)).toEqual(["topic", "id", "at", "data"]);
    expect(Object.keys(message)).toEqual(["cursor", "at", "id", "topics", "data"]);
  });

  it("is seen", () => {
    const spans = recordSpans(registerNodeSDK);
    expect(hasSDK()).toBe(true);
    expect(spans.all()).toEqual([]);
  });
});

describe("a service that is not traced", () => {
  it("passes the context of the publisher on", async () => {
    const { event, message } = await publishOne(undefined, { traceparent: TRACEPARENT });
    expect([event.traceparent, message.traceparent]).toEqual([TRACEPARENT, TRACEPARENT]);
  });

  it("ignores a context that is invalid", async () => {
    const { event, statuses } = await publishOne(undefined, { traceparent: `${TRACEPARENT}-01` });
    expect(Object.keys(event)).toEqual(["topic", "id", "at", "data"]);
    expect(statuses).toEqual([204, 200, 200]);
  });
});
