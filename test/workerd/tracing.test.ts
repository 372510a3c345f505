import { trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createServer } from "../../src/api/server.ts";
import { createTracing } from "../../src/api/tracing/open-telemetry.ts";
import { type RecordedSpans, recordSpans } from "../support/spans.ts";
import { closeHubs, openHubs } from "./hubs.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const KEY = "an-admin-key-of-a-test";

let spans: RecordedSpans;
beforeAll(() => {
  // This SDK does not know which span is active in asynchronous code, so the service must pass it on.
  spans = recordSpans((processor) => {
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
  });
});
afterEach(async () => {
  spans.clear();
  await closeHubs();
});
afterAll(() => spans.stop());

async function publish(kind: "hubs" | "traced", shards: number) {
  const hubs = openHubs(shards, kind);
  const client = await hubs.connect(['chat?options={"query":{"envelope":true}}']);
  const { app } = createServer({
    registry: hubs.registry,
    adminKey: KEY,
    tracing: createTracing(),
  });
  const response = await app.request("/api/realtime/messages", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: KEY,
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
    },
    body: JSON.stringify({ topic: "chat", data: 1 }),
  });
  expect(response.status).toBe(200);
  await hubs.settle(client);
  return { hubs, client };
}

describe("a trace on Workers", () => {
  it("covers the request, the call of the hubs, and the delivery in each hub", async () => {
    const { client } = await publish("traced", 2);
    const append = spans.one("append").spanContext();
    const deliveries = spans.named("deliver");
    expect(deliveries.map((span) => span.parentSpanContext?.spanId)).toEqual([
      append.spanId,
      append.spanId,
    ]);
    expect(new Set(spans.all().map((span) => span.spanContext().traceId))).toEqual(
      new Set([TRACE]),
    );
    const [event] = client.sink.events.filter((one) => one.event?.startsWith("chat"));
    expect(JSON.parse(event?.data ?? "").traceparent).toBe(`00-${TRACE}-${append.spanId}-01`);
  });

  it("is stored by a hub that is not traced, and reaches clients after the hub has woken", async () => {
    const { hubs } = await publish("hubs", 1);
    expect(spans.named("deliver")).toEqual([]);
    await hubs.evict();
    const { messages } = await hubs.registry.history({ topics: ["chat"], limit: 10 });
    const append = spans.one("append").spanContext();
    expect(messages.map(({ message }) => message.traceparent)).toEqual([
      `00-${TRACE}-${append.spanId}-01`,
    ]);
  });
});
