import { readFileSync } from "node:fs";
import type { FilterCase } from "./filter-cases.ts";

export function readFilterCases(file: "cases.json" | "random-cases.json"): FilterCase[] {
  const url = new URL(`../cases/records/${file}`, import.meta.url);
  // The files are part of this repository, and this interface describes them.
  return JSON.parse(readFileSync(url, "utf8")) as FilterCase[];
}
