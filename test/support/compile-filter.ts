import type { Collection } from "../../src/realtime/records/collection.ts";
import type { FilterCase } from "./filter-cases.ts";

/** What a filter can ask about besides the record. */
interface Context {
  readonly auth?: Readonly<Record<string, unknown>> | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly now?: number | Date | undefined;
}

type CompiledFilter = (record: Readonly<Record<string, unknown>>, context?: Context) => boolean;

/** The filters of the service: src/realtime/records/filter.ts. */
export type CompileFilter = (
  text: string,
  collection?: Collection,
  mode?: "client" | "rule",
) => CompiledFilter;

/** Loads the filters of the service. The tests that need them fail without them, and only those. */
export async function loadCompileFilter(): Promise<CompileFilter> {
  const url = new URL("../../src/realtime/records/filter.ts", import.meta.url);
  const module: { compileFilter: CompileFilter } = await import(url.href);
  return module.compileFilter;
}

/** The service's answer to a case. "error": the filter is invalid. */
export function answerOf(
  compileFilter: CompileFilter,
  filterCase: Omit<FilterCase, "group" | "expect">,
): boolean | "error" {
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
