import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOf } from "../../../support/filter-answer.ts";
import type { FilterCase } from "../../../support/filter-cases.ts";
import { NotExpressed } from "../../../support/filter-oracle/comparison.ts";
import { parseFilter, Unparsed } from "../../../support/filter-oracle/parse.ts";
import { OPERATORS, printFilter } from "../../../support/filter-oracle/tree.ts";
import { createOracle, type FilterOracle } from "../../../support/filter-oracle.ts";
import { leftOut } from "../../../support/flags.ts";
import { seededRandom } from "../../../support/random.ts";
import { type RandomFilter, randomFilter } from "../../../support/random-filters.ts";
import { readFilterCases } from "../../../support/read-filter-cases.ts";
import { smallestFailing } from "../../../support/smallest-filter.ts";

/** `ORACLE_CASES` and `ORACLE_SEED` set the number of random filters and the choices. */
const COUNT = Number(process.env.ORACLE_CASES ?? 3_000);
const SEED = Number(process.env.ORACLE_SEED ?? Date.now() % 1_000_000_000);

const NO_SQLITE =
  process.versions.bun === undefined ? undefined : "the tests use SQLite on Node only";

function randomFilters(): RandomFilter[] {
  const random = seededRandom(SEED);
  return Array.from({ length: COUNT }, () => randomFilter(random));
}

/** The oracle's answer, or why it has none. */
function answerTo(oracle: FilterOracle, filterCase: FilterCase) {
  if (filterCase.fexpr === "0.5") return { reason: "the grammar before fexpr 0.6" };
  if (filterCase.note === "left out") return { reason: "left out of the service" };
  try {
    return { answer: oracle.answer(filterCase, filterCase.filter) };
  } catch (error) {
    if (error instanceof NotExpressed) return { reason: error.message };
    if (!(error instanceof Unparsed)) throw error;
    const isError = filterCase.expect === "error";
    return { reason: isError ? "a syntax error" : "grammar beyond the oracle's parser" };
  }
}

describe.skipIf(NO_SQLITE !== undefined)(leftOut("filters in SQLite", NO_SQLITE), () => {
  let oracle: FilterOracle;

  beforeAll(async () => {
    oracle = await createOracle();
  });
  afterAll(() => oracle?.close());

  it("gives the known answers to the cases that the oracle can express", () => {
    const cases = readFilterCases("cases.json");
    const left: Record<string, number> = {};
    const wrong = cases.flatMap((filterCase) => {
      const { answer, reason } = answerTo(oracle, filterCase);
      if (reason !== undefined) {
        const group = `${filterCase.group}: ${reason}`;
        left[group] = (left[group] ?? 0) + 1;
      }
      const isWrong = reason === undefined && answer !== filterCase.expect;
      return isWrong ? [{ ...filterCase, answer }] : [];
    });
    console.log(`SQLite ${oracle.version} does not express these of ${cases.length} cases`, left);
    expect(wrong).toEqual([]);
    const count = Object.values(left).reduce((sum, number) => sum + number, 0);
    expect(count).toBeLessThan(cases.length / 6);
  });

  it("reads printed filters back", () => {
    for (const { filter } of randomFilters()) {
      expect(parseFilter(printFilter(filter))).toEqual(filter);
    }
  });

  it("agrees with the service about random filters of random records", () => {
    console.log(`ORACLE_SEED=${SEED} ORACLE_CASES=${COUNT}`);
    const answers = ({ situation, filter }: RandomFilter) => ({
      oracle: oracle.answer(situation, filter),
      service: answerOf({ ...situation, filter: printFilter(filter) }),
    });
    const differs = (pair: RandomFilter) => {
      const { oracle: right, service } = answers(pair);
      return right !== "error" && service !== right;
    };
    const failing = randomFilters().find(differs);
    if (failing === undefined) return;
    const smallest = smallestFailing(failing, differs);
    const { situation, filter } = smallest;
    expect.fail(
      `Seed ${SEED}: ${printFilter(filter)}\n${JSON.stringify(situation)}\n` +
        JSON.stringify(answers(smallest)),
    );
  });

  it("has random filters with every operator, and with both answers", () => {
    const pairs = randomFilters();
    const texts = pairs.map(({ filter }) => printFilter(filter));
    const operators = OPERATORS.flatMap((operator) => [` ${operator} `, ` ?${operator} `]);
    const missing = operators.filter((operator) => !texts.some((text) => text.includes(operator)));
    expect(missing).toEqual([]);
    const answers = pairs.map(({ situation, filter }) => oracle.answer(situation, filter));
    expect(answers).not.toContain("error");
    const matching = answers.filter((answer) => answer === true).length / answers.length;
    expect(matching).toBeGreaterThan(0.2);
    expect(matching).toBeLessThan(0.8);
  });
});
