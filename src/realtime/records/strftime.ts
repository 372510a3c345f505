import { applyModifier } from "./strftime-modifiers.ts";
import { parseTime, timeNow, untilNul } from "./strftime-parse.ts";
import { DAY, DateTime, instantOfDate, NOON, UNIX_EPOCH } from "./strftime-time.ts";

/**
 * SQLite's function `strftime` (https://sqlite.org/lang_datefunc.html), which PocketBase offers in filters and rules
 * (tools/search/token_functions.go). The answers are those of SQLite 3.54.1, in the proleptic Gregorian calendar and in UTC.
 * Versions 3.49.1, 3.45.2 and 3.39.3 differ:
 *
 * - 3.49 and older show the time 24:00 as it was written and can read 24:30. Here 24:00 is 00:00 of the next day, and 24:30 is
 *   not readable.
 * - 3.49 and older have no negative weekday, and round the last digit of `%J` differently in rare cases.
 * - 3.45 and older round a second of 59.9999 up. Here it is 59.999. They also lack `ceiling`, `floor`, `%g`, `%G`, `%U` and
 *   `%V`.
 * - 3.39 and older lack most of the other conversions too, and `subsec`.
 *
 * The documentation leaves years outside 0000 to 9999 undefined. As in SQLite, a result before the year 0000 has a negative
 * year, and a result before -4713-11-24 12:00 or after the year 9999 is null.
 *
 * The modifiers `localtime` and `utc` take the local time for UTC, whatever the time zone of the machine. They differ from
 * SQLite with the time zone UTC in cases that its documentation does not have: there, both turn some times that are out of
 * range into 2000-01-01 or Julian day 0, where the answer is null here, and `utc` forgets an earlier `subsec`.
 *
 * The work is linear in the length of the arguments. The output is at most 11 times as long as the format.
 *
 * @param format Text with the conversions that SQLite documents. Null for another one.
 * @param time Text as SQLite documents it, or a number: a Julian day, or with the modifiers `unixepoch` and `auto` seconds
 *   since 1970. A text that is a number is read as the number. Undefined means now, and null gives null.
 * @param modifiers The modifiers, applied from the first to the last.
 * @param now What `now` means, in milliseconds since 1970.
 * @returns Null if the time, a modifier or the format is not readable, or if the result is out of range.
 * @example
 * strftime("%Y-%m", "2026-01-31 10:00:00.000Z", ["+1 month", "floor"], Date.now()); // "2026-02"
 */
export function strftime(
  format: string,
  time: string | number | null | undefined,
  modifiers: readonly string[],
  now: number,
): string | null {
  if (time === null) return null;
  const result = time === undefined ? timeNow(now) : parseTime(time, now);
  if (result === undefined) return null;
  for (const [index, modifier] of modifiers.entries()) {
    if (!applyModifier(result, modifier, index === 0)) return null;
  }
  if (!result.isInRange()) return null;
  // Without a modifier, SQLite moves February 31 to March 2 or 3. With one, only a modifier that changes the time does so.
  if (modifiers.length === 0) result.settleDate();
  return formatTime(untilNul(format), result);
}

function formatTime(format: string, time: DateTime): string | null {
  let isReadable = true;
  const text = format.replace(/%(.?)/gsu, (_, letter: string) => {
    const convert = Object.hasOwn(CONVERSIONS, letter) ? CONVERSIONS[letter] : undefined;
    if (convert === undefined) isReadable = false;
    return convert === undefined ? "" : convert(time);
  });
  return isReadable ? text : null;
}

/** What stands for the letter behind a percent sign. */
const CONVERSIONS: Readonly<Record<string, (time: DateTime) => string>> = {
  d: (time) => padded(time.date().day),
  e: (time) => padded(time.date().day, 2, " "),
  f: (time) => time.clock().second.toFixed(3).padStart(6, "0"),
  F: (time) => isoDate(time),
  G: (time) => padded(thursday(time).date().year, 4),
  g: (time) => padded(thursday(time).date().year % 100),
  H: (time) => padded(time.clock().hour),
  I: (time) => padded(hourOfTwelve(time)),
  j: (time) => padded(dayOfYear(time) + 1, 3),
  J: (time) => julianDay(time),
  k: (time) => padded(time.clock().hour, 2, " "),
  l: (time) => padded(hourOfTwelve(time), 2, " "),
  m: (time) => padded(time.date().month),
  M: (time) => padded(time.clock().minute),
  p: (time) => (time.clock().hour >= 12 ? "PM" : "AM"),
  P: (time) => (time.clock().hour >= 12 ? "pm" : "am"),
  R: (time) => `${padded(time.clock().hour)}:${padded(time.clock().minute)}`,
  s: (time) => unixSeconds(time),
  S: (time) => padded(Math.trunc(time.clock().second)),
  T: (time) => isoTime(time),
  u: (time) => `${daysAfterSunday(time) || 7}`,
  U: (time) => padded(Math.trunc((dayOfYear(time) - daysAfterSunday(time) + 7) / 7)),
  V: (time) => padded(Math.trunc(dayOfYear(thursday(time)) / 7) + 1),
  w: (time) => `${daysAfterSunday(time)}`,
  W: (time) => padded(Math.trunc((dayOfYear(time) - daysAfterMonday(time) + 7) / 7)),
  Y: (time) => padded(time.date().year, 4),
  "%": () => "%",
};

/** Pads a number. The sign counts as a digit, as in C: -44 with 4 digits is `-044`. */
function padded(number: number, width = 2, filler = "0"): string {
  if (number >= 0 || filler === " ") return `${number}`.padStart(width, filler);
  return `-${`${-number}`.padStart(width - 1, filler)}`;
}

function isoDate(time: DateTime): string {
  const { year, month, day } = time.date();
  return `${padded(year, 4)}-${padded(month)}-${padded(day)}`;
}

function isoTime(time: DateTime): string {
  const { hour, minute, second } = time.clock();
  return `${padded(hour)}:${padded(minute)}:${padded(Math.trunc(second))}`;
}

function hourOfTwelve(time: DateTime): number {
  return time.clock().hour % 12 || 12;
}

/** Returns the number of days since January 1. */
function dayOfYear(time: DateTime): number {
  const first = instantOfDate({ year: time.date().year, month: 1, day: 1 });
  return Math.floor((time.instant() - first) / DAY);
}

function daysAfterMonday(time: DateTime): number {
  return Math.floor((time.instant() + NOON) / DAY) % 7;
}

function daysAfterSunday(time: DateTime): number {
  return (daysAfterMonday(time) + 1) % 7;
}

/** Returns the Thursday of the same week. Its year is the ISO 8601 year of the week. */
function thursday(time: DateTime): DateTime {
  return DateTime.ofInstant(time.instant() + (3 - daysAfterMonday(time)) * DAY);
}

/** Returns the Julian day with 16 digits, without zeros at the end. As `%.16g` in C, a number below 0.0001 has an exponent. */
function julianDay(time: DateTime): string {
  const days = time.instant() / DAY;
  if (days === 0 || days >= 0.0001) return days.toPrecision(16).replace(/\.?0+$/, "");
  const [digits = "", exponent = ""] = days.toExponential(15).split("e-");
  return `${digits.replace(/\.?0+$/, "")}e-${exponent.padStart(2, "0")}`;
}

function unixSeconds(time: DateTime): string {
  const seconds = (time.instant() - UNIX_EPOCH) / 1000;
  return time.subsecond ? seconds.toFixed(3) : `${Math.floor(seconds)}`;
}
