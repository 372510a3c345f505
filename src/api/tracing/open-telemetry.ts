import { type Attributes, type Context, SpanKind, trace } from "@opentelemetry/api";
import { publishedId } from "../../realtime/records/envelope.ts";
import { settledWithin } from "../../realtime/settled-within.ts";
import type {
  RequestOutcome,
  RequestSpan,
  TracedRequest,
  Tracing,
} from "../../realtime/tracing-port.ts";
import type { Message } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import {
  activeContext,
  attempt,
  linksTo,
  type OpenSpan,
  remoteContext,
  runIn,
  shorten,
  startSpan,
} from "./spans.ts";

export { hasSDK } from "./spans.ts";

/** Time that `flush` waits for the exporter. */
const FLUSH_TIMEOUT: Milliseconds = 2000;

/**
 * Returns the option `tracing`, which reports to the OpenTelemetry SDK of the app (`@opentelemetry/api`). Without an SDK nothing is
 * reported, and the `traceparent` of publishers still reaches subscribers. All calls return the same object.
 *
 * @example
 * ```ts
 * const realtime = createServer({ adminKey: process.env.ADMIN_KEY, tracing: createTracing() });
 * ```
 */
export function createTracing(): Tracing {
  shared ??= new OpenTelemetryTracing();
  return shared;
}

let shared: Tracing | undefined;

class OpenTelemetryTracing implements Tracing {
  async request(
    request: TracedRequest,
    headers: Pick<Headers, "get">,
    run: (span: RequestSpan) => Promise<RequestOutcome>,
  ): Promise<void> {
    const header = (name: string) => headers.get(name) ?? undefined;
    const span = new TracedRequestSpan(
      startSpan({
        name: `realtime.${request}`,
        kind: SpanKind.SERVER,
        attributes: attributesOf(request),
        // If an active span of the HTTP server exists, this span has already continued the trace of the headers.
        parent: activeContext() ?? remoteContext(header("traceparent"), header("tracestate")),
      }),
    );
    // The timers and promises of a stream keep the context that is active here. An active span would therefore stay in memory
    // until the stream ends.
    const serve =
      request === "connect" ? () => run(span) : () => runIn(span.open.context, () => run(span));
    try {
      span.setOutcome(await serve());
    } catch (error) {
      span.open.fail(error, true);
      throw error;
    } finally {
      span.open.end();
    }
  }

  async append<T>(
    messages: readonly Message[],
    request: RequestSpan | undefined,
    run: (traceparent: string | undefined) => Promise<T>,
  ): Promise<T> {
    const span = startSpan({
      name: "realtime.append",
      kind: SpanKind.PRODUCER,
      attributes: { ...attributesOf("append", "send"), ...describe(messages) },
      parent: parentOf(request) ?? remoteContext(messages[0]?.traceparent),
      // A message with a context of its own is delivered in its own trace.
      links: contextsOf(messages).flatMap(linksTo),
    });
    try {
      return await runIn(span.context, () => run(span.traceparent));
    } catch (error) {
      span.fail(error, true);
      throw error;
    } finally {
      span.end();
    }
  }

  deliver(messages: readonly Message[], run: () => void): void {
    const spans = messages.flatMap((message) => {
      const { traceparent } = message;
      if (traceparent === undefined) return [];
      const parent = remoteContext(traceparent);
      const span = startSpan({
        name: "realtime.deliver",
        kind: SpanKind.CONSUMER,
        attributes: { ...attributesOf("deliver", "process"), ...describe([message]) },
        parent,
        links: linksTo(parent),
      });
      return [span];
    });
    try {
      run();
    } catch (error) {
      for (const span of spans) span.fail(error, true);
      throw error;
    } finally {
      for (const span of spans) span.end();
    }
  }

  async flush(): Promise<void> {
    const sent = attempt(() => {
      // The provider of the API forwards to the provider of the SDK, but has no `forceFlush` itself.
      const provider = trace.getTracerProvider() as FlushableProvider;
      return (provider.getDelegate?.() ?? provider).forceFlush?.();
    });
    await settledWithin(Promise.resolve(sent), FLUSH_TIMEOUT).catch(() => undefined);
  }
}

/** The methods that a provider may have. */
interface FlushableProvider {
  getDelegate?(): FlushableProvider;
  forceFlush?(): Promise<void>;
}

class TracedRequestSpan implements RequestSpan {
  readonly open: OpenSpan;
  #error: unknown;

  constructor(open: OpenSpan) {
    this.open = open;
  }

  addClient(clientId: string, subscriptions: number): void {
    this.open.set({
      "messaging.client.id": shorten(clientId),
      "pocketwire.subscriptions": subscriptions,
    });
  }

  addMessages(messages: readonly Message[]): void {
    this.open.set(describe(messages));
  }

  fail(error: unknown): void {
    this.#error = error;
    this.open.fail(error, true);
  }

  /** Sets the status ERROR only if the service has failed. A wrong request of a client is not a failure of the service. */
  setOutcome({ status, error = this.#error }: RequestOutcome): void {
    this.open.set({ "http.response.status_code": status });
    if (error !== undefined) this.open.fail(error, status >= 500);
    else if (status >= 500) this.open.fail({ code: String(status) }, true);
  }
}

/** The active context. If the SDK does not track an active context, the context of the request. */
function parentOf(request: RequestSpan | undefined): Context | undefined {
  return (
    activeContext() ?? (request instanceof TracedRequestSpan ? request.open.context : undefined)
  );
}

/** The contexts that the messages have of their own. */
function contextsOf(messages: readonly Message[]): Context[] {
  const distinct = new Set(messages.map(({ traceparent }) => traceparent));
  return [...distinct].map((traceparent) => remoteContext(traceparent));
}

/** The attributes of every span (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/). */
function attributesOf(operation: string, type?: "send" | "process"): Attributes {
  return {
    "messaging.system": "pocketwire",
    "messaging.operation.name": operation,
    ...(type !== undefined && { "messaging.operation.type": type }),
  };
}

/** The topic, and the id of the message or the number of messages. A batch has a topic only if all of its messages have it. */
function describe(messages: readonly Message[]): Attributes {
  const [first] = messages;
  if (first === undefined) return {};
  const topic = first.topics[0] ?? "";
  const isOneTopic = messages.every(({ topics }) => topics[0] === topic);
  return {
    ...(isOneTopic && { "messaging.destination.name": shorten(topic) }),
    ...(messages.length === 1
      ? { "messaging.message.id": shorten(publishedId(first.id)) }
      : { "messaging.batch.message_count": messages.length }),
  };
}
