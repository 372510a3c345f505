import { SpanKind, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { registerNodeSDK } from "../../../support/node-sdk.ts";
import { type RecordedSpans, recordSpans, traceparentOf } from "../../../support/spans.ts";
import { TracedServer } from "../../../support/traced-server.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

let spans: RecordedSpans;
let traced: TracedServer;
beforeAll(() => {
  spans = recordSpans(registerNodeSDK);
});
afterAll(() => spans.stop());
beforeEach(() => {
  spans.clear();
  traced = new TracedServer();
});
afterEach(() => traced.server.close());

describe("a publish", () => {
  it("is one trace with the request, the append and the delivery, and continues the publisher's trace", async () => {
    await traced.publish({ topic: "chat", data: 1, id: "m1" }, { traceparent: TRACEPARENT });
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
    const { sink } = await traced.connect(["chat"]);
    await traced.publish({ topic: "chat", data: 1 }, { traceparent: TRACEPARENT });
    expect(sink.text).toContain(`"traceparent":"${traceparentOf(spans.one("append"))}"`);
  });

  it("takes the trace state of the publisher along", async () => {
    const headers = { traceparent: TRACEPARENT, tracestate: "vendor=1" };
    await traced.publish({ topic: "chat", data: 1 }, headers);
    expect(spans.one("publish").spanContext().traceState?.serialize()).toBe("vendor=1");
  });

  it("begins a trace if the publisher has sent none, or an invalid one", async () => {
    const invalid = [TRACEPARENT.toUpperCase(), `00-${TRACE}-${"0".repeat(16)}-01`, "x", ""];
    for (const traceparent of invalid)
      await traced.publish({ topic: "a", data: 1 }, { traceparent });
    await traced.publish({ topic: "a", data: 1 });
    const traces = spans.named("publish").map((span) => span.spanContext().traceId);
    expect(new Set([...traces, TRACE]).size).toBe(6);
    expect(spans.named("publish").every((span) => span.parentSpanContext === undefined)).toBe(true);
  });

  it("of a batch is one span with the number of messages, and one delivery for each message", async () => {
    await traced.publish([
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
    expect(spans.one("append").links.map(({ context }) => context.spanId)).toEqual([PARENT]);
  });

  it("of the embedding app continues its span", async () => {
    await trace.getTracer("app").startActiveSpan("app", async (span) => {
      await traced.server.publish({ topic: "chat", data: 1 });
      span.end();
      expect(spans.one("append").parentSpanContext?.spanId).toBe(span.spanContext().spanId);
    });
    expect(spans.named("publish")).toEqual([]);
  });

  it("runs hooks within its span", async () => {
    let active: string | undefined;
    traced = new TracedServer({
      hooks: {
        onMessage: () => {
          active = trace.getActiveSpan()?.spanContext().spanId;
        },
      },
    });
    await traced.publish({ topic: "chat", data: 1 });
    expect(active).toBe(spans.one("publish").spanContext().spanId);
  });

  it("has topics and ids of at most 255 characters", async () => {
    await traced.publish({ topic: "t".repeat(2000), data: 1, id: "i".repeat(255) });
    for (const span of spans.all()) {
      expect(span.attributes["messaging.destination.name"]).toBe("t".repeat(255));
    }
  });
});

describe("a client", () => {
  it("has a span for its stream, with its id and the number of its subscriptions", async () => {
    const response = await traced.server.app.request("/api/realtime?topic=a&topic=b", {
      headers: { traceparent: TRACEPARENT },
    });
    const [clientId] = (await traced.server.registry.clients()).clients.map((one) => one.clientId);
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
    const { clientId } = await traced.connect(["a"]);
    await traced.post("", { clientId, subscriptions: ["a", "b", "c"] });
    expect(spans.one("subscribe").attributes).toMatchObject({
      "messaging.client.id": clientId,
      "pocketwire.subscriptions": 3,
      "http.response.status_code": 204,
    });
  });

  it("has no span for the messages that it receives: there is one for each message", async () => {
    for (const topic of ["a", "a", "b/1"]) await traced.connect([topic, "*"]);
    await traced.publish({ topic: "a", data: 1 });
    expect(spans.named("deliver")).toHaveLength(1);
  });
});
