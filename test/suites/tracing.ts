import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, postJSON } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const PRINT_SPANS = fileURLToPath(new URL("../support/print-spans.mjs", import.meta.url));

/** A line of `print-spans.mjs`. */
interface PrintedSpan {
  readonly span: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A service with `REALTIME_TRACING`: with an SDK, without one, and several processes. */
export function tracingSuite(runtime: RuntimeUnderTest): void {
  /** The same program, which loads an SDK first. */
  const traced: RuntimeUnderTest = {
    ...runtime,
    command: (settings) => {
      const [program, ...args] = runtime.command(settings);
      return [program, runtime.name === "Bun" ? "--preload" : "--import", PRINT_SPANS, ...args];
    },
  };
  const services: Service[] = [];
  const start = async (on: RuntimeUnderTest, env: Record<string, string> = {}) => {
    const service = await startService(on, { env: { REALTIME_TRACING: "true", ...env } });
    services.push(service);
    return service;
  };
  afterEach(async () => {
    closeClients();
    for (const service of services.splice(0)) await service.stop("SIGKILL");
  });

  describe(`tracing on ${runtime.name}`, () => {
    it("reports requests and messages to the SDK that was loaded first, without credentials and data", async () => {
      const service = await start(traced);
      const client = await openStream(service.url, {}, "?topic=chat&envelope=true");
      await publishTraced(service);
      await eventually(() => spansOf(service).length === 4, "four spans are printed");
      const spans = new Map(spansOf(service).map((span) => [span.span, span]));
      const [publish, append] = [spans.get("realtime.publish"), spans.get("realtime.append")];
      expect(publish).toMatchObject({ traceId: TRACE, parentId: "00f067aa0ba902b7" });
      expect(append).toMatchObject({ traceId: TRACE, parentId: publish?.spanId });
      expect(spans.get("realtime.deliver")).toMatchObject({ parentId: append?.spanId });
      expect(spans.get("realtime.connect")?.attributes["messaging.client.id"]).toEqual(
        expect.any(String),
      );
      const chat = () => client.events.find(({ event }) => event === "chat");
      await eventually(() => chat() !== undefined, "the client has the message");
      const { data = "" } = chat() ?? {};
      expect(JSON.parse(data).traceparent).toBe(`00-${TRACE}-${append?.spanId}-01`);
      const content = JSON.stringify([...spans.values()]);
      for (const secret of [ADMIN_KEY, "what is published"]) expect(content).not.toContain(secret);
    });

    it("warns if no SDK was loaded, and serves", async () => {
      const service = await start(runtime);
      await publishTraced(service);
      const warning = service.logs.find(({ level }) => level === "warn");
      expect(warning?.msg).toBe("tracing is on without an OpenTelemetry SDK");
      expect(warning?.hint).toContain("--import ./tracing.mjs");
    });
  });

  const reason = NO_REDIS ? ` (skipped: ${NO_REDIS})` : "";
  describe.skipIf(NO_REDIS)(`tracing of two processes on ${runtime.name}${reason}`, () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis.stop());

    it("has both in one trace: the publish in one, and a delivery in each", async () => {
      const env = { REDIS_URL: redis.url };
      const [first, second] = [await start(traced, env), await start(traced, env)];
      await openStream(second.url, {}, "?topic=chat");
      await openStream(second.url, {}, "?topic=chat");
      await publishTraced(first);
      const inTrace = (service: Service) =>
        spansOf(service).filter(({ traceId }) => traceId === TRACE);
      await eventually(() => inTrace(first).length === 3, "the publisher's process has its spans");
      await eventually(() => inTrace(second).length === 1, "the other process has a span");
      const names = inTrace(first).map(({ span }) => span);
      expect(names.sort()).toEqual(["realtime.append", "realtime.deliver", "realtime.publish"]);
      const append = inTrace(first).find(({ span }) => span === "realtime.append");
      expect(inTrace(second)).toMatchObject([
        { span: "realtime.deliver", parentId: append?.spanId },
      ]);
    });

    it("passes the context of a message between a process that is traced and one that is not", async () => {
      const env = { REDIS_URL: redis.url, REDIS_PREFIX: "mixed" };
      const first = await start(traced, env);
      const second = await start(runtime, { ...env, REALTIME_TRACING: "false" });
      await openStream(first.url, {}, "?topic=chat");
      await publishTraced(second);
      await eventually(
        () => spansOf(first).some(({ span }) => span === "realtime.deliver"),
        "the traced process has a span",
      );
      const deliver = spansOf(first).find(({ span }) => span === "realtime.deliver");
      expect(deliver).toMatchObject({ traceId: TRACE, parentId: "00f067aa0ba902b7" });
    });
  });
}

function spansOf({ logs }: Service): PrintedSpan[] {
  // The cast: `print-spans.mjs` has written the lines.
  return logs.filter((line) => "span" in line) as unknown as PrintedSpan[];
}

async function publishTraced({ url }: Service): Promise<void> {
  const headers = { Authorization: ADMIN_KEY, traceparent: TRACEPARENT };
  const message = { topic: "chat", data: "what is published" };
  const { status } = await postJSON(url, "/api/realtime/messages", message, headers);
  expect(status).toBe(200);
}
