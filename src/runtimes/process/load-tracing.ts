import { RealtimeError } from "../../realtime/errors.ts";
import type { Tracing } from "../../realtime/tracing-port.ts";
import type { Logger } from "../../realtime/types.ts";

/**
 * Loads OpenTelemetry, which only a traced service needs.
 *
 * @throws RealtimeError `invalid_config` if the package `@opentelemetry/api` is missing.
 */
export async function loadTracing(logger: Logger | undefined): Promise<Tracing> {
  const { createTracing, hasSDK } = await import("../../api/tracing/open-telemetry.ts").catch(
    refuseMissingPackage,
  );
  if (!hasSDK()) {
    const hint = "load a file that registers one: node --import ./tracing.mjs";
    logger?.warn("tracing is on without an OpenTelemetry SDK", { hint });
  }
  return createTracing();
}

function refuseMissingPackage(cause: unknown): never {
  throw new RealtimeError(
    "invalid_config",
    "REALTIME_TRACING (openTelemetry) needs the package @opentelemetry/api. Install it: npm install @opentelemetry/api",
    { cause },
  );
}
