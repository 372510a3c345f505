import { SpanStatusCode, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { registerNodeSDK } from "../../../support/node-sdk.ts";
import { contentOf, type RecordedSpans, recordSpans } from "../../../support/spans.ts";
import { KEY, TracedServer } from "../../../support/traced-server.ts";

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

describe("an error", () => {
  it("is on the span with its code, and is no failure of the service", async () => {
    await traced.publish({ topic: "a", data: 1 }, { Authorization: "wrong-wrong-wrong-wrong" });
    await traced.publish({ topic: "a" });
    await traced.post("", { clientId: "none", subscriptions: [] });
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
    await traced.server.close();
    const response = await traced.publish({ topic: "a", data: 1 });
    expect(response.status).toBe(503);
    const failure = { code: SpanStatusCode.ERROR, message: "closed" };
    expect([spans.one("publish").status, spans.one("append").status]).toEqual([failure, failure]);
  });

  it("of an unexpected kind is named, and its message is left out", async () => {
    traced = new TracedServer({
      hooks: {
        onMessage: () => {
          throw new TypeError("the password is hunter2");
        },
      },
    });
    expect((await traced.publish({ topic: "a", data: 1 })).status).toBe(500);
    expect(spans.one("publish").attributes["error.type"]).toBe("TypeError");
    expect(spans.all().map(contentOf).join()).not.toContain("hunter2");
  });

  it("is on the span of a stream that is asked to come back, although its status is 200", async () => {
    traced = new TracedServer({ maxClients: 1 });
    await traced.connect(["a"]);
    const response = await traced.server.app.request("/api/realtime");
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
    traced = new TracedServer({ queryToken: true, cookie: "session" });
    const { clientId } = await traced.connect(["a"]);
    const filter = encodeURIComponent(
      JSON.stringify({ query: { filter: 'name = "filter-secret"' } }),
    );
    const subscriptions = [`a?options=${filter}`];
    await traced.post("", { clientId, subscriptions }, { Cookie: "session=cookie-secret" });
    await traced.post("", { clientId, subscriptions });
    await traced.publish({ topic: "a", data: "data-secret" });
    await traced.publish({ topic: "a", data: "data-secret", private: "data-secret" });
    const query = `?token=query-token-1234567&topic=${encodeURIComponent(subscriptions[0] ?? "")}`;
    const response = await traced.server.app.request(`/api/realtime${query}`);
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
    await traced.server.close();
    spans = recordSpans(registerNodeSDK);
    expect(flushes).toBe(1);
  });
});
