const DAY_MS = 24 * 60 * 60 * 1000;

/** A date as PocketBase writes it: `2023-02-03 04:05:06.007Z`. */
const written = (time: number | Date) => new Date(time).toISOString().replace("T", " ");

/** The value of a macro (tools/search/identifier_macros.go), or undefined if there is no macro of the name. All are in UTC. */
export function macroValue(name: string, now: Date): string | number | undefined {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  const day = now.getUTCDate();
  const endOf = (nextStart: number) => written(nextStart - 1);
  const values: Readonly<Record<string, () => string | number>> = {
    "@now": () => written(now),
    "@yesterday": () => written(now.getTime() - DAY_MS),
    "@tomorrow": () => written(now.getTime() + DAY_MS),
    "@todayStart": () => written(Date.UTC(year, month, day)),
    "@todayEnd": () => endOf(Date.UTC(year, month, day + 1)),
    "@monthStart": () => written(Date.UTC(year, month, 1)),
    "@monthEnd": () => endOf(Date.UTC(year, month + 1, 1)),
    "@yearStart": () => written(Date.UTC(year, 0, 1)),
    "@yearEnd": () => endOf(Date.UTC(year + 1, 0, 1)),
    "@second": () => now.getUTCSeconds(),
    "@minute": () => now.getUTCMinutes(),
    "@hour": () => now.getUTCHours(),
    "@day": () => day,
    "@month": () => month + 1,
    "@weekday": () => now.getUTCDay(),
    "@year": () => year,
  };
  return Object.hasOwn(values, name) ? values[name]?.() : undefined;
}
