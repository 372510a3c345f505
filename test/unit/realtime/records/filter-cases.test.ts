import { filterCasesSuite } from "../../../suites/filter-cases.ts";
import { readFilterCases } from "../../../support/read-filter-cases.ts";

const runtime = process.versions.bun === undefined ? "Node" : "Bun";

for (const file of ["cases.json", "random-cases.json"] as const) {
  filterCasesSuite(runtime, file, readFilterCases(file));
}
