import { RealtimeError } from "../errors.ts";

/**
 * Creates the error for a filter or rule that can't be evaluated.
 *
 * @param problem What is wrong and what to do, as one or more full sentences.
 * @param position Index in the text at which the error was found, in UTF-16 code units.
 */
export function filterError(problem: string, position: number): RealtimeError {
  // Every message may cause this error for every filter. Recording a stack would take longer than evaluating the filter.
  const { stackTraceLimit } = errors;
  errors.stackTraceLimit = 0;
  try {
    const message = `Invalid filter at position ${position}: ${problem}`;
    return new RealtimeError("invalid_filter", message, { position });
  } finally {
    errors.stackTraceLimit = stackTraceLimit;
  }
}

/** The cast: V8 and JavaScriptCore have this property, and TypeScript's standard library does not. */
const errors = Error as { stackTraceLimit?: number | undefined };
