import { DAY, readClock, type Time } from "./strftime-time.ts";

/** Changes a time. */
type Modify = (time: Time, argument: string, unit: string, isFirst: boolean) => void;

const MONTHS: Readonly<Record<string, number>> = { month: 1, year: 12 };
/** The milliseconds of each unit. The fraction of a number of months or years counts 30 or 365 days. */
const MILLISECONDS: Readonly<Record<string, number>> = {
  ...{ second: 1000, minute: 60_000, hour: 3_600_000 },
  ...{ day: DAY, month: 30 * DAY, year: 365 * DAY },
};

/** The modifiers, in the words of SQLite. Letters match in either case. */
const MODIFIERS: readonly (readonly [RegExp, Modify])[] = [
  [/^([+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?)[\t-\r ]+(second|minute|hour|day|month|year)s?$/i, addUnits],
  [/^([+-]?(?:[01]\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)$/, addClock],
  [/^start of (day|month|year)$/i, startOf],
  [/^weekday ([0-6])$/i, toWeekday],
  [/^(unixepoch|julianday)$/i, fromNumber],
  [/^subsec(?:ond)?$/i, showFraction],
  // The local time is UTC.
  [/^(?:localtime|utc)$/i, () => {}],
];

/** Whether `applyModifier` knows a modifier. */
export function isModifier(text: string): boolean {
  return MODIFIERS.some(([pattern]) => pattern.test(text));
}

/**
 * Changes a time by a modifier of SQLite (https://sqlite.org/lang_datefunc.html, "Modifiers"). The date becomes invalid if the
 * modifier does not fit the time.
 *
 * @param isFirst Whether it is the first modifier. `unixepoch` and `julianday` must be.
 */
export function applyModifier(time: Time, modifier: string, isFirst: boolean): void {
  for (const [pattern, modify] of MODIFIERS) {
    const match = pattern.exec(modifier.toLowerCase());
    if (match !== null) modify(time, match[1] ?? "", match[2] ?? "", isFirst);
  }
}

/** `NNN days` and the like. */
function addUnits({ date }: Time, count: string, unit: string): void {
  let rest = Number(count);
  const months = MONTHS[unit];
  if (months !== undefined) {
    const whole = Math.trunc(rest);
    date.setUTCMonth(date.getUTCMonth() + whole * months);
    rest -= whole;
  }
  date.setTime(date.getTime() + Math.round(rest * (MILLISECONDS[unit] ?? 0)));
}

/** `±HH:MM`, `±HH:MM:SS` and `±HH:MM:SS.FFF`. */
function addClock({ date }: Time, clock: string): void {
  date.setTime(date.getTime() + (readClock(clock) % DAY));
}

function startOf({ date }: Time, unit: string): void {
  date.setUTCHours(0, 0, 0, 0);
  if (unit !== "day") date.setUTCDate(1);
  if (unit === "year") date.setUTCMonth(0);
}

/** Moves the date forward to a day of the week. 0 is Sunday. */
function toWeekday({ date }: Time, weekday: string): void {
  date.setUTCDate(date.getUTCDate() + ((Number(weekday) + 7 - date.getUTCDay()) % 7));
}

/** Reads the number as seconds since 1970, or as a Julian day, which it already was. */
function fromNumber({ date, number }: Time, name: string, _: string, isFirst: boolean): void {
  if (!isFirst || number === undefined) date.setTime(Number.NaN);
  else if (name === "unixepoch") date.setTime(Math.round(number * 1000));
}

function showFraction(time: Time): void {
  time.hasFraction = true;
}
