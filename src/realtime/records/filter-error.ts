import { RealtimeError } from "../errors.ts";

/**
 * Creates the error for a filter or rule that can't be evaluated.
 *
 * @param problem What is wrong and what to do, as one or more full sentences.
 * @param position Index in the text at which the error was found, in UTF-16 code units.
 */
export function filterError(problem: string, position: number): RealtimeError {
  return new RealtimeError("invalid_filter", `Invalid filter at position ${position}: ${problem}`, {
    position,
  });
}
