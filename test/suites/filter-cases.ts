import { describe, expect, it } from "vitest";
import { answerOf } from "../support/filter-answer.ts";
import type { FilterCase } from "../support/filter-cases.ts";
import { leftOut } from "../support/flags.ts";

/** Where PocketBase's parser accepts by accident what looks like a mistake, a refusal is as good. */
function isGood(filterCase: FilterCase, answer: boolean | "error"): boolean {
  const mayRefuse = filterCase.group === "grammar" && filterCase.note?.startsWith("quirk") === true;
  return answer === filterCase.expect || (mayRefuse && answer === "error");
}

/** Version 0.6 of PocketBase's parser reads `\\` in double quotes as one backslash, and version 0.5 as two. */
const CONTRADICTS_06 = (filterCase: FilterCase) =>
  filterCase.fexpr === "0.5" && /"[^"]*\\\\/.test(filterCase.filter);

/** The answers were computed by SQLite from the SQL that PocketBase builds. */
export function filterCasesSuite(runtime: string, file: string, cases: readonly FilterCase[]) {
  describe(`the filters of ${file} on ${runtime}`, () => {
    it.each([...new Set(cases.map(({ group }) => group))])("are right about %s", (group) => {
      const wrong = cases
        .filter((filterCase) => filterCase.group === group && !CONTRADICTS_06(filterCase))
        .map((filterCase) => ({ ...filterCase, answer: answerOf(filterCase) }))
        .filter((filterCase) => !isGood(filterCase, filterCase.answer));
      expect(wrong).toEqual([]);
    });

    for (const { filter } of cases.filter(CONTRADICTS_06)) {
      it.skip(leftOut(`is right about ${filter}`, "the filters follow fexpr 0.6, not 0.5"));
    }
  });
}
