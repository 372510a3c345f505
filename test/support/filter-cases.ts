import { readFileSync } from "node:fs";
import type { Situation } from "./filter-oracle.ts";

/** A filter and its right answer. The files of `test/cases/records/` contain lists of them. */
export interface FilterCase extends Situation {
  readonly group: string;
  readonly filter: string;
  /** "error": the filter is invalid. */
  readonly expect: boolean | "error";
  /** The version of PocketBase's grammar that the case is about, where versions differ. */
  readonly fexpr?: "0.5" | "0.6" | undefined;
  readonly note?: string | undefined;
}

export function readFilterCases(file: "cases.json" | "random-cases.json"): FilterCase[] {
  const url = new URL(`../cases/records/${file}`, import.meta.url);
  // The files are part of this repository, and this interface describes them.
  return JSON.parse(readFileSync(url, "utf8")) as FilterCase[];
}
