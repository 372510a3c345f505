/** Calls of OpenTelemetry. If the SDK throws, spans are lost, and the service is not affected. */
import {
  type Attributes,
  type Context,
  context,
  createTraceState,
  diag,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { parseTraceparent } from "../../realtime/traceparent.ts";
import { VERSION } from "../../realtime/version.ts";

/** What a span begins with. */
export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly parent: Context;
  readonly links?: Link[];
}

/** A span that has begun, or would have begun if the SDK had not failed. */
export interface OpenSpan {
  /** The context in which the span is active. */
  readonly context: Context;
  /** Undefined if there is no SDK. */
  readonly traceparent: string | undefined;
  set(attributes: Attributes): void;
  /** @param isFailure Whether the span has the status ERROR. */
  fail(error: unknown, isFailure: boolean): void;
  end(): void;
}

/** Maximum length of an attribute, in UTF-16 code units. */
const MAX_ATTRIBUTE = 255;

/** Begins a span. */
export function startSpan({ name, parent, ...options }: SpanStart): OpenSpan {
  const span = attempt(() =>
    trace.getTracer("pocketwire", VERSION).startSpan(name, options, parent),
  );
  return {
    context: (span && attempt(() => trace.setSpan(parent, span))) ?? parent,
    traceparent: span && attempt(() => formatTraceparent(span.spanContext())),
    set: (attributes) => attempt(() => span?.setAttributes(attributes)),
    fail: (error, isFailure) => attempt(() => span && setError(span, error, isFailure)),
    end: () => attempt(() => span?.end()),
  };
}

/** Whether an SDK is registered. */
export function hasSDK(): boolean {
  // The span is not ended, so that no SDK exports it.
  const span = attempt(() => trace.getTracer("pocketwire").startSpan("realtime.start"));
  return span !== undefined && isSpanContextValid(span.spanContext());
}

/** The context of the code that runs now, if a span is active in it. */
export function activeContext(): Context | undefined {
  return attempt(() => {
    const active = context.active();
    return trace.getSpan(active) && active;
  });
}

/** The context that another program has sent. The root context if it has sent none. */
export function remoteContext(traceparent: string | undefined, tracestate?: string): Context {
  const remote = parseRemote(traceparent, tracestate);
  return remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
}

/** A link to the span of a context, if it has one. */
export function linksTo(linked: Context): Link[] {
  const spanContext = trace.getSpanContext(linked);
  return spanContext === undefined ? [] : [{ context: spanContext }];
}

/** Runs a function once, if possible with an active context. Returns and throws what the function does. */
export function runIn<T>(active: Context, run: () => T): T {
  let outcome: { readonly result: T } | { readonly error: unknown } | undefined;
  attempt(() =>
    context.with(active, () => {
      try {
        outcome = { result: run() };
      } catch (error) {
        outcome = { error };
      }
    }),
  );
  // The cast: the compiler does not see that the callback may have run.
  const done = outcome as { readonly result: T } | { readonly error: unknown } | undefined;
  if (done === undefined) return run();
  if ("error" in done) throw done.error;
  return done.result;
}

/** Shortens a text to the length that an attribute may have. */
export function shorten(text: string): string {
  return text.slice(0, MAX_ATTRIBUTE);
}

/** Calls the SDK. Returns undefined if it throws, and reports the error to OpenTelemetry's own log (`diag`). */
export function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    try {
      diag.error("pocketwire: a span is lost", String(error));
    } catch {
      // The log of OpenTelemetry failed as well.
    }
    return undefined;
  }
}

function parseRemote(traceparent: string | undefined, tracestate?: string) {
  const valid = parseTraceparent(traceparent);
  if (valid === undefined) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = valid.split("-");
  const state = tracestate === undefined ? undefined : createTraceState(tracestate);
  const remote: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state !== undefined && { traceState: state }),
  };
  return remote;
}

function formatTraceparent(spanContext: SpanContext): string | undefined {
  const { traceId, spanId, traceFlags } = spanContext;
  if (!isSpanContextValid(spanContext)) return undefined;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** Sets the code of an error, such as `not_allowed`. The message is left out, because it may contain what a client has sent. */
function setError(span: Span, error: unknown, isFailure: boolean): void {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  const type = shorten(typeof code === "string" ? code : String(name ?? "Error"));
  span.setAttribute("error.type", type);
  if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}
