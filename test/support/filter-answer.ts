import { compileFilter } from "../../src/realtime/records/filter.ts";
import type { FilterCase } from "./filter-cases.ts";

/** The service's answer to a case. "error": the filter is invalid. */
export function answerOf(filterCase: Omit<FilterCase, "group" | "expect">): boolean | "error" {
  const { auth, collectionType, filter, headers, hidden, mode, now, query, schema } = filterCase;
  const collection = { type: collectionType, fields: schema, hidden };
  try {
    const matches = compileFilter(filter, collection, mode);
    const time = now === undefined ? undefined : new Date(now);
    return matches(filterCase.record, { auth, query, headers, now: time });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "invalid_filter") {
      return "error";
    }
    throw error;
  }
}
