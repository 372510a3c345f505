import { numberFrom } from "./values.ts";

/** A time that modifiers change. */
export interface Time {
  /** In UTC. The date of a time that is not readable is invalid, and no modifier makes it valid again. */
  readonly date: Date;
  /** The number that was given as time. Only the first modifier may use it. */
  readonly number?: number;
  /** Whether `%s` has a fraction. */
  hasFraction: boolean;
}

export const DAY = 86_400_000;
/** Milliseconds from the beginning of Julian day 0 to 1970. */
export const JULIAN_TO_UNIX = 210_866_760_000_000;

/** A date, a clock and a time zone, each of them optional. SQLite's white space is the six ASCII characters; `\s` has more. */
const TIME =
  /^(?!$)(?:(-?\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T\t-\r ]*)?(?:((?:[01]\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)[\t-\r ]*(?:(?:[Zz]|([+-](?:0\d|1[0-4]):[0-5]\d))[\t-\r ]*)?)?$/;

/**
 * Reads a time value of SQLite (https://sqlite.org/lang_datefunc.html, "Time Values"). The date is invalid for one that is not
 * readable.
 *
 * @param now The time that `now` means, in milliseconds since 1970.
 */
export function parseTime(value: string | number, now: number): Time {
  const number = typeof value === "number" ? value : numberFrom(value);
  if (number !== undefined) {
    // A Julian day, unless a modifier says otherwise.
    const date = new Date(Math.floor(number * DAY + 0.5) - JULIAN_TO_UNIX);
    return { date, number, hasFraction: false };
  }
  const text = String(value);
  const match = TIME.exec(text);
  const hasFraction = /^subsec(?:ond)?$/i.test(text);
  const isNow = hasFraction || /^now$/i.test(text);
  const date = new Date(isNow ? Math.floor(now) : Number.NaN);
  if (match !== null) {
    const [, year = 2000, month = 1, day = 1, clock = "00:00", zone = "00:00"] = match;
    // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999. On an invalid date, this method sets the clock to 00:00.
    date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
    date.setTime(date.getTime() + readClock(clock) - readClock(zone));
  }
  return { date, hasFraction };
}

/**
 * Returns the milliseconds of a clock with an optional sign. Returns NaN for a clock after 24:00. A second of more than .999 is
 * one of .999, so that it never rounds to the next one.
 */
export function readClock(text: string): number {
  const parts = text.replace(/^[+-]/, "").split(":").map(Number);
  const [hours = 0, minutes = 0, second = 0] = parts;
  const seconds = Math.min(second, Math.floor(second) + 0.999);
  const size = hours * 3_600_000 + minutes * 60_000 + Math.round(seconds * 1000);
  if (size > DAY) return Number.NaN;
  return text.startsWith("-") ? -size : size;
}
