import { context, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** An SDK that keeps the spans that have ended in memory. */
export interface RecordedSpans {
  /** All spans, in the order in which they ended. */
  all(): ReadableSpan[];
  /** The spans with a name, such as `publish` for `realtime.publish`. */
  named(name: string): ReadableSpan[];
  /** The only span with a name. @throws Error if there are none or several. */
  one(name: string): ReadableSpan;
  /** Forgets the spans. */
  clear(): void;
  /** Removes the SDK. */
  stop(): void;
}

/**
 * Registers an SDK in place of an earlier one.
 *
 * @param register Registers the SDK of a runtime with this processor of spans.
 */
export function recordSpans(register: (processor: SpanProcessor) => void): RecordedSpans {
  unregisterSDK();
  const exporter = new InMemorySpanExporter();
  register(new SimpleSpanProcessor(exporter));
  const all = () => exporter.getFinishedSpans();
  const named = (name: string) => all().filter((span) => span.name === `realtime.${name}`);
  return {
    all,
    named,
    one: (name) => {
      const [span, ...others] = named(name);
      if (span !== undefined && others.length === 0) return span;
      const names = all().map((one) => one.name);
      throw new Error(`One span realtime.${name} was expected, but there are: ${names}`);
    },
    clear: () => exporter.reset(),
    stop: unregisterSDK,
  };
}

/** Removes the SDK of the process. */
export function unregisterSDK(): void {
  trace.disable();
  context.disable();
}

/** A span's place in a trace, as in the header `traceparent`. */
export function traceparentOf(span: ReadableSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags}`;
}

/** What a span contains that an exporter sends. */
export function contentOf(span: ReadableSpan): string {
  const { name, attributes, events, status, links } = span;
  return JSON.stringify({
    name,
    attributes,
    events,
    status,
    links,
    parent: span.parentSpanContext,
  });
}
