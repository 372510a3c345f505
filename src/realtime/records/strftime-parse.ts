import {
  type CalendarDate,
  type Clock,
  DAY,
  DateTime,
  dateOfInstant,
  instantOfDate,
  UNIX_EPOCH,
} from "./strftime-time.ts";

/** A time of day, and by how many minutes it is ahead of UTC. */
export interface OffsetClock {
  readonly clock: Clock;
  readonly offset: number;
}

// SQLite's white space is the six ASCII characters. `\s` has more.
const DATE = /^(-?)(\d{4})-(\d\d)-(\d\d)[T\t-\r ]*/;
const CLOCK =
  /^(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?[\t-\r ]*(?:(?:[Zz]|([+-])(\d\d):(\d\d))[\t-\r ]*)?$/;
const NUMBER = /^[\t-\r ]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?[\t-\r ]*$/i;

/**
 * Reads a time value of SQLite (https://sqlite.org/lang_datefunc.html, "Time Values"). Returns undefined for one that is not
 * readable.
 *
 * @param now The time that `now` means, in milliseconds since 1970.
 */
export function parseTime(value: string | number, now: number): DateTime | undefined {
  if (typeof value === "number") return DateTime.ofNumber(value);
  const text = untilNul(value);
  const dated = parseDateAndClock(text);
  if (dated !== undefined) return dated;
  const timed = parseClock(text);
  if (timed !== undefined) return DateTime.ofFields(undefined, timed.clock, timed.offset);
  const number = parseNumber(text);
  if (number !== undefined) return DateTime.ofNumber(number);
  if (/^now$/i.test(text)) return timeNow(now);
  if (!/^subsec(?:ond)?$/i.test(text)) return undefined;
  const time = timeNow(now);
  time.subsecond = true;
  return time;
}

/** Returns the time that `now` means. */
export function timeNow(now: number): DateTime {
  return DateTime.ofInstant(UNIX_EPOCH + Math.floor(now));
}

/**
 * Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.FFF`, with an optional time zone (`Z` or an offset of up to 14 hours) behind it. Hour
 * 24 is readable only as 24:00. A second of more than .999 is one of .999, so that it never rounds to the next one.
 */
export function parseClock(text: string): OffsetClock | undefined {
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes, seconds = "0", fraction = "0", sign, offsetHours, offsetMinutes] = match;
  const hour = Number(hours);
  const minute = Number(minutes);
  const second = Number(seconds) + Math.min(Number(fraction), 0.999);
  if (hour > 24 || minute > 59 || second >= 60) return undefined;
  if (hour === 24 && (minute > 0 || second > 0)) return undefined;
  const clock = { hour, minute, second };
  if (sign === undefined) return { clock, offset: 0 };
  if (Number(offsetHours) > 14 || Number(offsetMinutes) > 59) return undefined;
  const offset = Number(offsetHours) * 60 + Number(offsetMinutes);
  return { clock, offset: sign === "-" ? -offset : offset };
}

/** Reads a text that is only a number for SQLite. White space around it is allowed, hexadecimal digits are not. */
export function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

/** Cuts a text at its first NUL character, where it ends for SQLite. */
export function untilNul(text: string): string {
  const end = text.indexOf("\0");
  return end === -1 ? text : text.slice(0, end);
}

/** Reads `YYYY-MM-DD` with an optional time of day behind it. */
function parseDateAndClock(text: string): DateTime | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [whole, sign] = match;
  const [year, month, day] = [Number(match[2]), Number(match[3]), Number(match[4])];
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const rest = text.slice(whole.length);
  const timed = rest === "" ? undefined : parseClock(rest);
  if (rest !== "" && timed === undefined) return undefined;
  if (timed?.clock.hour !== 24) {
    return DateTime.ofFields(signed({ year, month, day }, sign), timed?.clock, timed?.offset);
  }
  // SQLite turns 24:00 into the next day before it reads the sign of the year.
  const next = dateOfInstant(instantOfDate({ year, month, day }) + DAY);
  if (next.year > 9999) return undefined;
  return DateTime.ofFields(signed(next, sign), { hour: 0, minute: 0, second: 0 }, timed.offset);
}

function signed(date: CalendarDate, sign: string | undefined): CalendarDate {
  return sign === "-" ? { ...date, year: 0 - date.year } : date;
}
