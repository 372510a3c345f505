const DAY = 86_400_000;

/** The macros with dates as values, as functions of the time. */
const DATES = new Map<string, (now: Date) => number>([
  ["@now", (now) => now.getTime()],
  ["@yesterday", (now) => now.getTime() - DAY],
  ["@tomorrow", (now) => now.getTime() + DAY],
  ["@todayStart", (now) => dayStart(now)],
  ["@todayEnd", (now) => dayStart(now) + DAY - 1],
  ["@monthStart", (now) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth())],
  ["@monthEnd", (now) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - 1],
  ["@yearStart", (now) => Date.UTC(now.getUTCFullYear(), 0)],
  ["@yearEnd", (now) => Date.UTC(now.getUTCFullYear() + 1, 0) - 1],
]);

/** The macros with integers as values. */
const NUMBERS = new Map<string, (now: Date) => number>([
  ["@second", (now) => now.getUTCSeconds()],
  ["@minute", (now) => now.getUTCMinutes()],
  ["@hour", (now) => now.getUTCHours()],
  ["@day", (now) => now.getUTCDate()],
  ["@month", (now) => now.getUTCMonth() + 1],
  ["@year", (now) => now.getUTCFullYear()],
  ["@weekday", (now) => now.getUTCDay()],
]);

/** Whether a name is a macro of PocketBase (tools/search/identifier_macros.go). */
export function isMacro(name: string): boolean {
  return DATES.has(name) || NUMBERS.has(name);
}

/**
 * Returns the value of a macro: an integer, or a date in PocketBase's format, `2026-11-28 09:30:00.000Z`. Both are in UTC.
 *
 * @param now Milliseconds since 1970.
 */
export function valueOfMacro(name: string, now: number): number | string | null {
  const date = new Date(now);
  const number = NUMBERS.get(name);
  if (number !== undefined) return number(date);
  const time = DATES.get(name)?.(date);
  return time === undefined ? null : new Date(time).toISOString().replace("T", " ");
}

function dayStart(now: Date): number {
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
}
