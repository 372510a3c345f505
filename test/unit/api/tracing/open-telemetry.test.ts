import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ServerOptions } from "../../../../src/api/options.ts";
import { createServer, type RealtimeServer } from "../../../../src/api/server.ts";
import { createTracing } from "../../../../src/api/tracing/open-telemetry.ts";
import { registerNodeSDK } from "../../../support/node-sdk.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";
import {
  contentOf,
  type RecordedSpans,
  recordSpans,
  traceparentOf,
} from "../../../support/spans.ts";

const KEY = "an-admin-key-of-a-test";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

let spans: RecordedSpans;
let server: RealtimeServer;
beforeAll(() => {
  spans = recordSpans(registerNodeSDK);
});
afterAll(() => spans.stop());
beforeEach(() => {
  spans.clear();
  server = start();
});
afterEach(() => server.close());

function start(options: ServerOptions = {}): RealtimeServer {
  return createServer({
    adminKey: KEY,
    tracing: createTracing(),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    ...options,
  });
}

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return server.app.request(`/api/realtime${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: KEY, ...headers },
    body: JSON.stringify(body),
  });
}

const publish = (body: unknown, headers?: Record<string, string>) =>
  post("/messages", body, headers);

/** A client whose events are in envelopes. */
async function connectClient(topics: readonly string[]) {
  const connection = await server.registry.open({ topics, envelope: true });
  const sink = new RecordingSink();
  await connection.attach(sink);
  return { clientId: connection.clientId, sink };
}

describe("a publish", () => {
  it("is one trace with the request, the append and the delivery, and continues the publisher's trace", async () => {
    await publish({ topic: "chat", data: 1, id: "m1" }, { traceparent: TRACEPARENT });
    const [request, append, deliver] = ["publish", "append", "deliver"].map(spans.one);
    expect(spans.all().map((span) => span.spanContext().traceId)).toEqual([TRACE, TRACE, TRACE]);
    expect(request?.parentSpanContext?.spanId).toBe(PARENT);
    expect(append?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(deliver?.parentSpanContext?.spanId).toBe(append?.spanContext().spanId);
    expect(deliver?.links.map(({ context }) => context.spanId)).toEqual([
      append?.spanContext().spanId,
    ]);
    expect([request?.kind, append?.kind, deliver?.kind]).toEqual([
      SpanKind.SERVER,
      SpanKind.PRODUCER,
      SpanKind.CONSUMER,
    ]);
    const message = {
      "messaging.system": "pocketwire",
      "messaging.destination.name": "chat",
      "messaging.message.id": "m1",
    };
    expect(request?.attributes).toEqual({
      ...message,
      "messaging.operation.name": "publish",
      "http.response.status_code": 200,
    });
    expect(append?.attributes).toEqual({
      ...message,
      "messaging.operation.name": "append",
      "messaging.operation.type": "send",
    });
    expect(deliver?.attributes).toEqual({
      ...message,
      "messaging.operation.name": "deliver",
      "messaging.operation.type": "process",
    });
  });

  it("gives subscribers with envelopes the context of its append", async () => {
    const { sink } = await connectClient(["chat"]);
    await publish({ topic: "chat", data: 1 }, { traceparent: TRACEPARENT });
    expect(sink.text).toContain(`"traceparent":"${traceparentOf(spans.one("append"))}"`);
  });

  it("takes the trace state of the publisher along", async () => {
    const headers = { traceparent: TRACEPARENT, tracestate: "vendor=1" };
    await publish({ topic: "chat", data: 1 }, headers);
    expect(spans.one("publish").spanContext().traceState?.serialize()).toBe("vendor=1");
  });

  it("begins a trace if the publisher has sent none, or an invalid one", async () => {
    const invalid = [TRACEPARENT.toUpperCase(), `00-${TRACE}-${"0".repeat(16)}-01`, "x", ""];
    for (const traceparent of invalid) await publish({ topic: "a", data: 1 }, { traceparent });
    await publish({ topic: "a", data: 1 });
    const traces = spans.named("publish").map((span) => span.spanContext().traceId);
    expect(new Set([...traces, TRACE]).size).toBe(6);
    expect(spans.named("publish").every((span) => span.parentSpanContext === undefined)).toBe(true);
  });

  it("of a batch is one span with the number of messages, and one delivery for each message", async () => {
    await publish([
      { topic: "chat", data: 1, id: "m1" },
      { topic: "news", data: 2, id: "m2", traceparent: TRACEPARENT },
    ]);
    const { attributes } = spans.one("publish");
    expect(attributes["messaging.batch.message_count"]).toBe(2);
    expect(Object.keys(attributes)).not.toContain("messaging.destination.name");
    expect(spans.one("append").attributes["messaging.batch.message_count"]).toBe(2);
    const deliveries = spans
      .named("deliver")
      .map((span) => [span.attributes["messaging.message.id"], span.parentSpanContext?.spanId]);
    // A message keeps a context of its own.
    expect(deliveries).toEqual([
      ["m1", spans.one("append").spanContext().spanId],
      ["m2", PARENT],
    ]);
  });

  it("of the embedding app continues its span", async () => {
    await trace.getTracer("app").startActiveSpan("app", async (span) => {
      await server.publish({ topic: "chat", data: 1 });
      span.end();
      expect(spans.one("append").parentSpanContext?.spanId).toBe(span.spanContext().spanId);
    });
    expect(spans.named("publish")).toEqual([]);
  });

  it("runs hooks within its span", async () => {
    let active: string | undefined;
    server = start({
      hooks: {
        onMessage: () => {
          active = trace.getActiveSpan()?.spanContext().spanId;
        },
      },
    });
    await publish({ topic: "chat", data: 1 });
    expect(active).toBe(spans.one("publish").spanContext().spanId);
  });

  it("has topics and ids of at most 255 characters", async () => {
    await publish({ topic: "t".repeat(2000), data: 1, id: "i".repeat(255) });
    for (const span of spans.all()) {
      expect(span.attributes["messaging.destination.name"]).toBe("t".repeat(255));
    }
  });
});

describe("a client", () => {
  it("has a span for its stream, with its id and the number of its subscriptions", async () => {
    const response = await server.app.request("/api/realtime?topic=a&topic=b", {
      headers: { traceparent: TRACEPARENT },
    });
    const [clientId] = (await server.registry.clients()).clients.map((one) => one.clientId);
    const span = spans.one("connect");
    expect(span.parentSpanContext?.spanId).toBe(PARENT);
    expect([span.kind, span.attributes]).toEqual([
      SpanKind.SERVER,
      {
        "messaging.system": "pocketwire",
        "messaging.operation.name": "connect",
        "messaging.client.id": clientId,
        "pocketwire.subscriptions": 2,
        "http.response.status_code": 200,
      },
    ]);
    await response.body?.cancel();
  });

  it("has a span for each change of its subscriptions", async () => {
    const { clientId } = await connectClient(["a"]);
    await post("", { clientId, subscriptions: ["a", "b", "c"] });
    expect(spans.one("subscribe").attributes).toMatchObject({
      "messaging.client.id": clientId,
      "pocketwire.subscriptions": 3,
      "http.response.status_code": 204,
    });
  });

  it("has no span for the messages that it receives: there is one for each message", async () => {
    for (const topic of ["a", "a", "b/1"]) await connectClient([topic, "*"]);
    await publish({ topic: "a", data: 1 });
    expect(spans.named("deliver")).toHaveLength(1);
  });
});

describe("an error", () => {
  it("is on the span with its code, and is no failure of the service", async () => {
    await publish({ topic: "a", data: 1 }, { Authorization: "wrong-wrong-wrong-wrong" });
    await publish({ topic: "a" });
    await post("", { clientId: "none", subscriptions: [] });
    const seen = [...spans.named("publish"), ...spans.named("subscribe")].map((span) => [
      span.attributes["http.response.status_code"],
      span.attributes["error.type"],
      span.status.code,
    ]);
    expect(seen).toEqual([
      [401, "not_signed_in", SpanStatusCode.UNSET],
      [400, "invalid_input", SpanStatusCode.UNSET],
      [404, "unknown_client", SpanStatusCode.UNSET],
    ]);
  });

  it("of the service is a failure", async () => {
    await server.close();
    const response = await publish({ topic: "a", data: 1 });
    expect(response.status).toBe(503);
    const failure = { code: SpanStatusCode.ERROR, message: "closed" };
    expect([spans.one("publish").status, spans.one("append").status]).toEqual([failure, failure]);
  });

  it("of an unexpected kind is named, and its message is left out", async () => {
    server = start({
      hooks: {
        onMessage: () => {
          throw new TypeError("the password is hunter2");
        },
      },
    });
    expect((await publish({ topic: "a", data: 1 })).status).toBe(500);
    expect(spans.one("publish").attributes["error.type"]).toBe("TypeError");
    expect(spans.all().map(contentOf).join()).not.toContain("hunter2");
  });

  it("is on the span of a stream that is asked to come back, although its status is 200", async () => {
    server = start({ maxClients: 1 });
    await connectClient(["a"]);
    const response = await server.app.request("/api/realtime");
    expect(response.status).toBe(200);
    await response.text();
    const { attributes, status } = spans.one("connect");
    expect([attributes["error.type"], status.code]).toEqual([
      "too_many_clients",
      SpanStatusCode.ERROR,
    ]);
  });
});

describe("spans", () => {
  it("contain neither credentials nor data nor filters", async () => {
    const secrets = [KEY, "query-token-1234567", "data-secret", "filter-secret", "cookie-secret"];
    server = start({ queryToken: true, cookie: "session" });
    const { clientId } = await connectClient(["a"]);
    const filter = encodeURIComponent(
      JSON.stringify({ query: { filter: 'name = "filter-secret"' } }),
    );
    const subscriptions = [`a?options=${filter}`];
    await post("", { clientId, subscriptions }, { Cookie: "session=cookie-secret" });
    await post("", { clientId, subscriptions });
    await publish({ topic: "a", data: "data-secret" });
    await publish({ topic: "a", data: "data-secret", private: "data-secret" });
    const query = `?token=query-token-1234567&topic=${encodeURIComponent(subscriptions[0] ?? "")}`;
    const response = await server.app.request(`/api/realtime${query}`);
    await response.body?.cancel();
    expect(spans.all().length).toBeGreaterThanOrEqual(6);
    const content = spans.all().map(contentOf).join("\n");
    for (const secret of secrets) expect(content).not.toContain(secret);
  });

  it("are sent when the server closes", async () => {
    let flushes = 0;
    const forceFlush = async () => {
      flushes += 1;
    };
    const provider = { getTracer: trace.getTracer, forceFlush };
    trace.disable();
    trace.setGlobalTracerProvider(provider as never);
    await server.close();
    spans = recordSpans(registerNodeSDK);
    expect(flushes).toBe(1);
  });
});
