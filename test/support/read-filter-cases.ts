import { readFileSync } from "node:fs";
import type { FilterCase } from "./filter-cases.ts";

export function readFilterCases(file: "cases.json" | "random-cases.json"): FilterCase[] {
  const url = new URL(`../cases/records/${file}`, import.meta.url);
  // The files are part of this repository, and this interface describes them.
  return JSON.parse(readFileSync(url, "utf8")) as FilterCase[];
}

/** A record, the option `fields`, and what is picked; "error" if the fields are refused. */
export interface FieldsCase {
  readonly record: unknown;
  readonly fields: string;
  readonly expect: unknown;
}

export function readFieldCases(): FieldsCase[] {
  const url = new URL("../cases/records/fields.json", import.meta.url);
  // The file is part of this repository, and the interface describes it.
  return JSON.parse(readFileSync(url, "utf8")) as FieldsCase[];
}
