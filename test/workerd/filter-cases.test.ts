import cases from "../cases/records/cases.json";
import randomCases from "../cases/records/random-cases.json";
import { filterCasesSuite } from "../suites/filter-cases.ts";
import type { FilterCase } from "../support/filter-cases.ts";

// FilterCase describes the files. TypeScript infers a type from their values, which says less.
filterCasesSuite("workerd", "cases.json", cases as unknown as FilterCase[]);
filterCasesSuite("workerd", "random-cases.json", randomCases as unknown as FilterCase[]);
