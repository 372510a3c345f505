/** OpenTelemetry spans (`pocketwire/tracing`). Needs the package `@opentelemetry/api`. */
export { createTracing } from "./api/tracing/open-telemetry.ts";
export type { Tracing } from "./realtime/tracing-port.ts";
