import { applyModifier } from "./strftime-modifiers.ts";
import { DAY, JULIAN_TO_UNIX, parseTime, type Time } from "./strftime-time.ts";

/**
 * SQLite's function `strftime` (https://sqlite.org/lang_datefunc.html), which PocketBase offers in filters and rules
 * (tools/search/token_functions.go). The answers are those of SQLite 3.54.1, in the proleptic Gregorian calendar and in UTC.
 * Some older versions round a second of 59.9999 up, or show the time 24:00 as it was written; here 24:00 is 00:00 of the next
 * day.
 *
 * Left out, to keep the code small: the modifiers `auto`, `ceiling`, `floor` and `±YYYY-MM-DD`, and the conversions `%G`, `%g`,
 * `%k`, `%l`, `%P`, `%U`, `%u` and `%V`. `checkCall` refuses them.
 *
 * What differs from SQLite:
 *
 * - The result is null if a modifier moves the time before -4713-11-24 12:00 or after the year 9999, even if another one moves
 *   it back. The documentation leaves years outside 0000 to 9999 undefined. As in SQLite, a year before 0000 is negative.
 * - A date after the end of its month (February 31 is March 3) is moved before the first modifier, and so is a time of day with
 *   a time zone but without a date. SQLite moves them when a modifier first needs the instant.
 * - The modifiers `localtime` and `utc` take the local time for UTC, whatever the time zone of the machine.
 *
 * The work is linear in the length of the arguments. The output is at most 11 times as long as the format.
 *
 * @param format Text with conversions that `isFormat` accepts.
 * @param time Text as SQLite documents it, or a number: a Julian day, or with the modifier `unixepoch` seconds since 1970. A
 *   text that is a number is read as the number. Undefined means now, and null gives null.
 * @param modifiers Modifiers that `isModifier` accepts. They are applied from the first to the last.
 * @param now What `now` means, in milliseconds since 1970.
 * @returns Null if the time is not readable, does not fit a modifier, or is out of range.
 * @example
 * strftime("%Y-%m", "2026-01-15 10:00:00.000Z", ["+1 month"], Date.now()); // "2026-02"
 */
export function strftime(
  format: string,
  time: string | number | null | undefined = "now",
  modifiers: readonly string[],
  now: number,
): string | null {
  if (time === null) return null;
  const result = parseTime(time, now);
  for (const [index, modifier] of modifiers.entries()) {
    applyModifier(result, modifier, index === 0);
    if (!isInRange(result)) return null;
  }
  return isInRange(result) ? formatTime(format, result) : null;
}

/** What may stand behind a percent sign in a format. */
export const CONVERSION_LETTERS = "deFfHIjJMmpRSsTWwY%";

const FORMAT = new RegExp(`^(?:[^%\\0]|%[${CONVERSION_LETTERS}])*$`);

/** Whether every percent sign of a format begins a conversion that `strftime` knows. */
export function isFormat(text: string): boolean {
  return FORMAT.test(text);
}

function isInRange({ date }: Time): boolean {
  return date.getTime() >= -JULIAN_TO_UNIX && date.getUTCFullYear() <= 9999;
}

/** Where a conversion is in the text of a date in ISO 8601. Most positions are from the end: a year has four or five characters. */
const PARTS: Readonly<Record<string, readonly [start: number, end: number]>> = {
  ...{ Y: [0, -20], F: [0, -14], m: [-19, -17], d: [-16, -14] },
  ...{ H: [-13, -11], R: [-13, -8], T: [-13, -5], M: [-10, -8], S: [-7, -5], f: [-7, -1] },
};

function formatTime(format: string, time: Time): string {
  const { date } = time;
  const year = date.getUTCFullYear();
  // The sign counts as a digit, as in C: -44 is `-044`.
  const yearText = year < 0 ? `-${padded(-year, 3)}` : padded(year, 4);
  const iso = yearText + date.toISOString().slice(-20);
  return format.replace(/%(.)/g, (_, letter: string) => {
    const part = PARTS[letter];
    return part === undefined ? String(CONVERSIONS[letter]?.(time)) : iso.slice(...part);
  });
}

/** The other conversions. */
const CONVERSIONS: Readonly<Record<string, (time: Time) => string | number>> = {
  e: ({ date }) => String(date.getUTCDate()).padStart(2),
  I: ({ date }) => padded(date.getUTCHours() % 12 || 12),
  j: ({ date }) => padded(dayOfYear(date), 3),
  // 16 digits, without zeros at the end.
  J: ({ date }) => Number(((date.getTime() + JULIAN_TO_UNIX) / DAY).toPrecision(16)),
  p: ({ date }) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  s: ({ date, hasFraction }) => {
    const seconds = date.getTime() / 1000;
    return hasFraction ? seconds.toFixed(3) : Math.floor(seconds);
  },
  w: ({ date }) => date.getUTCDay(),
  W: ({ date }) => padded(Math.floor((dayOfYear(date) + 6 - ((date.getUTCDay() + 6) % 7)) / 7)),
  "%": () => "%",
};

function padded(number: number, width = 2): string {
  return String(number).padStart(width, "0");
}

/** January 1 is day 1. */
function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 0)) / DAY);
}
