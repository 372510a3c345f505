import { parseClock, parseNumber, untilNul } from "./strftime-parse.ts";
import {
  DAY,
  type DateTime,
  LAST_INSTANT,
  milliseconds,
  NOON,
  UNIX_EPOCH,
} from "./strftime-time.ts";

/** Changes a time. Returns false if the modifier does not fit the time. */
type Modify = (time: DateTime, match: RegExpExecArray, isFirst: boolean) => boolean;

interface Unit {
  /** The smallest number of units that is too large. SQLite has these limits as 32-bit numbers. */
  readonly limit: number;
  readonly seconds: number;
}

const UNITS: Readonly<Record<string, Unit>> = {
  second: { limit: Math.fround(4.6427e14), seconds: 1 },
  minute: { limit: Math.fround(7.7379e12), seconds: 60 },
  hour: { limit: Math.fround(1.2897e11), seconds: 3600 },
  day: { limit: 5_373_485, seconds: 86_400 },
  // The fraction of a number of months or years counts 30 or 365 days.
  month: { limit: 176_546, seconds: 2_592_000 },
  year: { limit: 14_713, seconds: 31_536_000 },
};

/** The modifiers, in the words of SQLite. Letters match in either case. */
const MODIFIERS: readonly (readonly [RegExp, Modify])[] = [
  [/^([+\-\d][^:\t-\r ]*)[\t-\r ]+(second|minute|hour|day|month|year)s?$/i, addUnits],
  [/^([+-]?)(\d\d:.*)$/s, addClock],
  [/^([+-])(\d{4,5})-(\d\d)-(\d\d)(?:[\t-\r ](\d\d:.*))?$/s, addDate],
  [/^start of (day|month|year)$/i, startOf],
  [/^weekday (.*)$/is, toWeekday],
  [/^unixepoch$/i, fromUnixEpoch],
  [/^julianday$/i, fromJulianDay],
  [/^auto$/i, fromEither],
  [/^ceiling$/i, toCeiling],
  [/^floor$/i, toFloor],
  [/^subsec(?:ond)?$/i, showSubsecond],
  [/^localtime$/i, toLocalTime],
  [/^utc$/i, toCeiling],
];

/**
 * Changes a time by a modifier of SQLite (https://sqlite.org/lang_datefunc.html, "Modifiers"). Returns false for a modifier
 * that is not readable or does not fit the time.
 *
 * @param isFirst Whether it is the first modifier. `unixepoch`, `julianday` and `auto` must be.
 */
export function applyModifier(time: DateTime, modifier: string, isFirst: boolean): boolean {
  const text = untilNul(modifier);
  for (const [pattern, modify] of MODIFIERS) {
    const match = pattern.exec(text);
    if (match !== null) return modify(time, match, isFirst);
  }
  return false;
}

/** `NNN days` and the like. */
function addUnits(time: DateTime, [, digits = "", name = ""]: RegExpExecArray): boolean {
  const count = parseNumber(digits);
  const unitName = name.toLowerCase();
  const unit = UNITS[unitName];
  if (count === undefined || unit === undefined || Math.abs(count) >= unit.limit) return false;
  // A time without a date may get another date than 2000-01-01 when its instant is computed.
  time.instant();
  time.overflow = 0;
  let rest = count;
  if (unitName === "month" || unitName === "year") {
    const whole = Math.trunc(count);
    const { year, month, day } = time.date();
    if (unitName === "month") time.setDate(year, month + whole, day);
    else time.setDate(year + whole, month, day);
    rest -= whole;
  }
  const rounding = count < 0 ? -0.5 : 0.5;
  time.moveTo(time.instant() + Math.trunc(rest * 1000 * unit.seconds + rounding));
  return true;
}

/** `±HH:MM`, `±HH:MM:SS` and `±HH:MM:SS.FFF`. */
function addClock(time: DateTime, [, sign, clock = ""]: RegExpExecArray): boolean {
  const shift = parseShift(clock);
  if (shift === undefined) return false;
  time.moveTo(time.instant() + (sign === "-" ? -shift : shift));
  return true;
}

/** `±YYYY-MM-DD`, with an optional clock behind it. At most 11 months and 30 days. */
function addDate(time: DateTime, match: RegExpExecArray): boolean {
  const [, sign, years, months, days, clock] = match;
  const shift = clock === undefined ? 0 : parseShift(clock);
  if (Number(years) > 14_712 || Number(months) > 11 || Number(days) > 30) return false;
  if (shift === undefined) return false;
  const factor = sign === "-" ? -1 : 1;
  const { year, month, day } = time.date();
  time.setDate(year + factor * Number(years), month + factor * Number(months), day);
  time.moveTo(time.instant() + factor * (Number(days) * DAY + shift));
  return true;
}

/** Returns the milliseconds of a clock, between 0 and a day. */
function parseShift(text: string): number | undefined {
  const timed = parseClock(text);
  if (timed === undefined) return undefined;
  return (milliseconds(timed.clock) - timed.offset * 60_000 + DAY) % DAY;
}

function startOf(time: DateTime, [, unit = ""]: RegExpExecArray): boolean {
  const { year, month, day } = time.date();
  const name = unit.toLowerCase();
  if (name === "day") time.setMidnight({ year, month, day });
  else time.setMidnight({ year, month: name === "month" ? month : 1, day: 1 });
  return true;
}

/** Moves the date forward to a day of the week, or backward if the number has a minus. 0 is Sunday. */
function toWeekday(time: DateTime, [, digits = ""]: RegExpExecArray): boolean {
  const weekday = parseNumber(digits);
  if (weekday === undefined || Math.abs(weekday) >= 7 || !Number.isInteger(weekday)) return false;
  time.dropOffset();
  const today = Math.trunc((time.instant() + NOON + DAY) / DAY) % 7;
  const isBackward = weekday < 0 || Object.is(weekday, -0);
  let days = Math.abs(weekday) - today;
  if (isBackward && days > 0) days -= 7;
  if (!isBackward && days < 0) days += 7;
  time.moveTo(time.instant() + days * DAY);
  return true;
}

/** Reads the number as seconds since 1970. */
function fromUnixEpoch(time: DateTime, _: RegExpExecArray, isFirst: boolean): boolean {
  if (!isFirst || time.number === undefined) return false;
  const instant = time.number * 1000 + UNIX_EPOCH;
  if (!(instant >= 0 && instant < LAST_INSTANT + 1)) return false;
  time.moveTo(Math.trunc(instant + 0.5));
  return true;
}

/** Reads the number as a Julian day, which it already was. */
function fromJulianDay(time: DateTime, _: RegExpExecArray, isFirst: boolean): boolean {
  return isFirst && time.number !== undefined && !Number.isNaN(time.instant());
}

/** Reads a number that is too large for a Julian day, or negative, as seconds since 1970. */
function fromEither(time: DateTime, match: RegExpExecArray, isFirst: boolean): boolean {
  const isJulianDay = time.number === undefined || !Number.isNaN(time.instant());
  if (!isFirst || isJulianDay) return isFirst;
  return fromUnixEpoch(time, match, isFirst);
}

/** Moves a day after the end of its month into the next month. This is also what `utc` does to a time in UTC. */
function toCeiling(time: DateTime): boolean {
  time.settle();
  time.overflow = 0;
  return true;
}

/** Moves a day after the end of its month back to the end. */
function toFloor(time: DateTime): boolean {
  time.moveTo(time.instant() - time.overflow * DAY);
  return true;
}

function showSubsecond(time: DateTime): boolean {
  time.subsecond = true;
  return true;
}

/** The local time is UTC. */
function toLocalTime(time: DateTime): boolean {
  time.settle();
  return true;
}
