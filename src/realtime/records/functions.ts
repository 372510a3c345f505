import { filterError } from "./filter-error.ts";
import { geoDistance } from "./geo-distance.ts";
import { columnOperand, exactOperand, type Operand } from "./operand.ts";
import type { CallTerm, Term } from "./parse-filter.ts";
import { CONVERSION_LETTERS, isFormat, strftime } from "./strftime.ts";
import { isModifier } from "./strftime-modifiers.ts";
import { numberFrom, type Value } from "./values.ts";

const MAX_MODIFIERS = 8;

/**
 * Checks the name and arguments of a call (PocketBase, tools/search/token_functions.go).
 *
 * @throws RealtimeError `invalid_filter`.
 */
export function checkCall({ name, args, position }: CallTerm): void {
  if (name === "geoDistance") {
    const isValid = args.every(({ kind }) => kind === "name" || kind === "number");
    if (args.length === 4 && isValid) return;
    throw filterError(
      "geoDistance takes four fields or numbers: longitude and latitude of both points.",
      position,
    );
  }
  if (name !== "strftime") {
    throw filterError(`"${name}" is not a function. Use geoDistance or strftime.`, position);
  }
  checkStrftime(args, position);
}

function checkStrftime([format, time, ...modifiers]: readonly Term[], position: number): void {
  const usage = filterError(
    "strftime takes a format in quotes, a time, and up to eight modifiers in quotes.",
    position,
  );
  if (format?.kind !== "text" || time?.kind === "call") throw usage;
  if (modifiers.length > MAX_MODIFIERS) throw usage;
  if (!isFormat(format.text)) {
    throw filterError(
      `Behind a % in the format of strftime stands one of ${CONVERSION_LETTERS}.`,
      format.position,
    );
  }
  for (const modifier of modifiers) {
    if (modifier.kind !== "text") throw usage;
    if (!isModifier(modifier.text)) {
      throw filterError(
        'strftime takes modifiers such as "+1 day", "-01:30", "start of month" and "weekday 0".',
        modifier.position,
      );
    }
  }
}

/**
 * Calls a function.
 *
 * @param values The values of the arguments.
 * @param now Milliseconds since 1970.
 */
export function callFunction(name: string, values: readonly Value[], now: number): Operand {
  if (name === "geoDistance") return exactOperand(distance(values));
  const [format = "", time, ...modifiers] = values;
  const text = strftime(String(format), time, modifiers.map(String), now);
  return { ...columnOperand(text), likeAs: "pattern" };
}

/** As SQLite's mathematical functions, reads a text that is a number as a number. */
function distance(values: readonly Value[]): number | null {
  const [lonA, latA, lonB, latB] = values.map((value) =>
    typeof value === "string" ? numberFrom(value) : (value ?? undefined),
  );
  if (lonA === undefined || latA === undefined || lonB === undefined || latB === undefined) {
    return null;
  }
  return geoDistance(lonA, latA, lonB, latB);
}
