/** A day of the proleptic Gregorian calendar. The day can be after the end of the month: February 31 is March 2 or 3. */
export interface CalendarDate {
  /** 0 is the year before year 1, and -1 the year before year 0. */
  readonly year: number;
  /** From 1 to 12. */
  readonly month: number;
  /** From 1 to 31. */
  readonly day: number;
}

/** A time of day. */
export interface Clock {
  readonly hour: number;
  readonly minute: number;
  /** With its fraction. */
  readonly second: number;
}

export const DAY = 86_400_000;
/** The instant of 1970-01-01 00:00 (see {@link DateTime.instant}). */
export const UNIX_EPOCH = 210_866_760_000_000;
/** The instant of 9999-12-31 23:59:59.999, the last that SQLite computes with. The first is 0. */
export const LAST_INSTANT = 464_269_060_799_999;
/** Julian days begin at noon. */
export const NOON = DAY / 2;
/** The day of a time that has no date. */
const DEFAULT_DATE: CalendarDate = { year: 2000, month: 1, day: 1 };

/**
 * A time as SQLite computes with it: an instant, or a date and a clock that make an instant. The date and the clock stay as
 * they were written until a modifier changes the instant: `strftime('%d', '2023-02-31', 'subsec')` is `31`, and
 * `strftime('%d', '2023-02-31', '+0 days')` is `03`.
 *
 * A time that SQLite can't compute with has the instant NaN, and so has every time made from it.
 */
export class DateTime {
  /** The number that was given as time. Only the first modifier may use it. */
  readonly number: number | undefined;
  /** How many days the last date that was written or computed is after the end of its month. The modifier `floor` uses it. */
  overflow = 0;
  /** Whether `%s` has a fraction. */
  subsecond = false;

  #instant: number | undefined;
  #date: CalendarDate | undefined;
  #clock: Clock | undefined;
  /** Minutes by which the clock is ahead of UTC. */
  #offset = 0;

  private constructor(number?: number) {
    this.number = number;
  }

  /** Returns the time of an instant. */
  static ofInstant(instant: number): DateTime {
    const time = new DateTime();
    time.#instant = instant;
    return time;
  }

  /** Returns the time of a number: a Julian day, unless a modifier says otherwise. */
  static ofNumber(number: number): DateTime {
    const time = new DateTime(number);
    const isJulianDay = number >= 0 && number < 5_373_484.5;
    time.#instant = isJulianDay ? Math.trunc(number * DAY + 0.5) : Number.NaN;
    return time;
  }

  /**
   * Returns the time of a date (default 2000-01-01) and a clock (default 00:00) that is `offset` minutes ahead of UTC. Without
   * a date, a modifier can see the offset or the clock 24:00 before either has moved the date, as in SQLite: `strftime('%F',
   * '01:00+05:00', 'start of day')` is `2000-01-01`, and without the modifier it is `1999-12-31`.
   */
  static ofFields(date: CalendarDate | undefined, clock?: Clock, offset = 0): DateTime {
    const time = new DateTime();
    time.#date = date;
    time.#clock = clock;
    time.#offset = offset;
    if (date !== undefined) {
      time.overflow = overflowOf(date);
      if (offset !== 0) time.settle();
    }
    return time;
  }

  /** Milliseconds since noon of November 24, 4714 BC, the beginning of Julian day 0. */
  instant(): number {
    if (this.#instant !== undefined) return this.#instant;
    const date = this.#date ?? DEFAULT_DATE;
    if (!(date.year >= -4713 && date.year <= 9999)) {
      this.moveTo(Number.NaN);
      return Number.NaN;
    }
    this.#instant = instantOfDate(date);
    if (this.#clock !== undefined) {
      this.#instant += milliseconds(this.#clock) - this.#offset * 60_000;
      if (this.#offset !== 0 || this.#clock.hour === 24) this.moveTo(this.#instant);
    }
    return this.#instant;
  }

  date(): CalendarDate {
    if (this.#date !== undefined) return this.#date;
    if (this.#instant === undefined) {
      this.#date = DEFAULT_DATE;
    } else {
      if (!this.isInRange()) this.#instant = Number.NaN;
      this.#date = dateOfInstant(this.#instant);
    }
    return this.#date;
  }

  clock(): Clock {
    if (this.#clock !== undefined) return this.#clock;
    const ofDay = (this.instant() + NOON) % DAY;
    this.#clock = {
      hour: Math.floor(ofDay / 3_600_000),
      minute: Math.floor(ofDay / 60_000) % 60,
      second: (ofDay % 60_000) / 1000,
    };
    return this.#clock;
  }

  /** Whether SQLite can compute with the instant: whether it is between the beginning of Julian day 0 and the year 9999. */
  isInRange(): boolean {
    return this.instant() >= 0 && this.instant() <= LAST_INSTANT;
  }

  /** Replaces the instant, and with it the date and the clock. */
  moveTo(instant: number): void {
    this.#instant = instant;
    this.#date = undefined;
    this.#clock = undefined;
    this.#offset = 0;
  }

  /** Computes the instant from the date and the clock, then the date and the clock from the instant. */
  settle(): void {
    this.moveTo(this.instant());
  }

  /** As `settle`, for the date alone. */
  settleDate(): void {
    this.#instant = this.instant();
    this.#date = undefined;
  }

  /** Replaces the date. Its month may be outside 1 to 12: month 13 is January of the next year. */
  setDate(year: number, month: number, day: number): void {
    this.#clock = this.clock();
    this.#date = {
      year: year + Math.floor((month - 1) / 12),
      month: ((((month - 1) % 12) + 12) % 12) + 1,
      day,
    };
    this.#instant = undefined;
    this.overflow = overflowOf(this.#date);
  }

  /** Replaces the date and sets the clock to 00:00. */
  setMidnight(date: CalendarDate): void {
    this.#date = date;
    this.#clock = { hour: 0, minute: 0, second: 0 };
    this.#offset = 0;
    this.#instant = undefined;
  }

  /** Reads the date and the clock as UTC, whatever offset was written behind them. */
  dropOffset(): void {
    this.#date = this.date();
    this.#clock = this.clock();
    this.#offset = 0;
    this.#instant = undefined;
  }
}

/** Returns the instant at which a day begins. */
export function instantOfDate({ year, month, day }: CalendarDate): number {
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  return UNIX_EPOCH + new Date(0).setUTCFullYear(year, month - 1, day);
}

/** Returns the day of an instant. */
export function dateOfInstant(instant: number): CalendarDate {
  const date = new Date(instant - UNIX_EPOCH);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Returns the milliseconds from midnight to a clock. */
export function milliseconds({ hour, minute, second }: Clock): number {
  return hour * 3_600_000 + minute * 60_000 + Math.trunc(second * 1000 + 0.5);
}

/** Returns how many days a date is after the end of its month. */
function overflowOf({ year, month, day }: CalendarDate): number {
  if (day <= 28) return 0;
  const days = new Date(0);
  days.setUTCFullYear(year, month, 0);
  return Math.max(0, day - days.getUTCDate());
}
