import type { SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

/** Registers the SDK of Node and Bun, which knows the active span of asynchronous code. */
export function registerNodeSDK(processor: SpanProcessor): void {
  new NodeTracerProvider({ spanProcessors: [processor] }).register();
}
