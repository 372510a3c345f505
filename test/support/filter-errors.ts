import { RealtimeError } from "../../src/realtime/errors.ts";

/** The position of the `invalid_filter` error that a function throws. */
export function positionOf(run: () => unknown): number | undefined {
  return invalidFilter(run).position;
}

/** The `invalid_filter` error that a function throws. Other errors are passed on. */
export function invalidFilter(run: () => unknown): RealtimeError {
  try {
    run();
  } catch (error) {
    if (error instanceof RealtimeError && error.code === "invalid_filter") return error;
    throw error;
  }
  throw new Error("The filter is valid.");
}
