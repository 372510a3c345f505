import { describe, expect, it } from "vitest";
import { isMacro, valueOfMacro } from "../../../../src/realtime/records/macros.ts";

const at = (time: string) => (macro: string) => valueOfMacro(macro, Date.parse(time));

describe("a macro", () => {
  it("is a UTC date with a space, or an integer", () => {
    const value = at("2026-11-28T09:08:07.006Z");
    const names =
      "@now @yesterday @tomorrow @todayStart @todayEnd @monthStart @monthEnd @yearStart @yearEnd";
    expect(names.split(" ").map(value)).toEqual([
      "2026-11-28 09:08:07.006Z",
      "2026-11-27 09:08:07.006Z",
      "2026-11-29 09:08:07.006Z",
      "2026-11-28 00:00:00.000Z",
      "2026-11-28 23:59:59.999Z",
      "2026-11-01 00:00:00.000Z",
      "2026-11-30 23:59:59.999Z",
      "2026-01-01 00:00:00.000Z",
      "2026-12-31 23:59:59.999Z",
    ]);
    const numbers = "@second @minute @hour @day @month @year @weekday".split(" ");
    expect(numbers.map(value)).toEqual([7, 8, 9, 28, 11, 2026, 6]);
  });

  it.each([
    ["2024-02-01T00:00:00Z", "2024-02-29"],
    ["2023-02-28T23:59:59Z", "2023-02-28"],
    ["2000-02-29T12:00:00Z", "2000-02-29"],
    ["1900-02-10T12:00:00Z", "1900-02-28"],
    ["2026-12-31T23:59:59.999Z", "2026-12-31"],
    ["2026-01-31T00:00:00Z", "2026-01-31"],
    ["2026-04-30T00:00:00Z", "2026-04-30"],
  ])("@monthEnd of %s is the last millisecond of %s", (time, day) => {
    expect(at(time)("@monthEnd")).toBe(`${day} 23:59:59.999Z`);
  });

  it("crosses the ends of months and years", () => {
    expect(at("2024-02-29T10:00:00Z")("@tomorrow")).toBe("2024-03-01 10:00:00.000Z");
    expect(at("2024-03-01T10:00:00Z")("@yesterday")).toBe("2024-02-29 10:00:00.000Z");
    expect(at("2023-03-01T10:00:00Z")("@yesterday")).toBe("2023-02-28 10:00:00.000Z");
    expect(at("2027-01-01T00:00:00Z")("@yesterday")).toBe("2026-12-31 00:00:00.000Z");
    expect(at("2024-12-31T23:59:59Z")("@yearEnd")).toBe("2024-12-31 23:59:59.999Z");
    expect(at("2024-02-29T10:00:00Z")("@yearStart")).toBe("2024-01-01 00:00:00.000Z");
    expect(at("2026-11-29T00:00:00Z")("@weekday"), "Sunday").toBe(0);
  });

  it("has exactly one of the known names", () => {
    expect(isMacro("@now")).toBe(true);
    for (const name of ["@NOW", "now", "@constructor", "@__proto__", "@today", "@now "]) {
      expect(isMacro(name)).toBe(false);
      expect(valueOfMacro(name, 0)).toBeNull();
    }
  });
});
