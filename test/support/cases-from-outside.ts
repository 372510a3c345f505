/** The shared cases of filters, for tests against a running service: each case has a collection of its own. */
import type { CollectionInput } from "../../src/realtime/records/collection.ts";
import type { FilterCase } from "./filter-cases.ts";
import { readFilterCases } from "./read-filter-cases.ts";

/** A case whose record can be published, and whose filter can be subscribed with. */
export interface OutsideCase extends FilterCase {
  readonly collection: string;
  /** What is published. */
  readonly event: {
    readonly collection: CollectionInput;
    readonly action: "create";
    readonly record: Readonly<Record<string, unknown>> & { readonly id: unknown };
  };
}

/** Where versions of PocketBase's parser differ, the filters follow version 0.6. */
const isOf06 = ({ fexpr, filter }: FilterCase) => fexpr !== "0.5" || !/"[^"]*\\\\/.test(filter);

/** Cases in which PocketBase's parser accepts by accident what looks like a mistake. The service may refuse them. */
const isQuirk = ({ group, note }: FilterCase) =>
  group === "grammar" && note?.startsWith("quirk") === true;

/**
 * The cases that can be asked from outside. The clock can't be set there, and a blank filter in the options is no filter.
 *
 * @param mode `rule`: the filters are rules of the collections, and all of them can be compiled.
 */
export function casesFromOutside(mode: "client" | "rule"): readonly OutsideCase[] {
  return readFilterCases("cases.json").flatMap((filterCase, index) => {
    const { mode: own = "client", now, filter, auth, record, expect } = filterCase;
    const isAskable = now === undefined && filter.trim() !== "" && filter.length < 2000;
    const isCompiled = mode === "client" || (expect !== "error" && auth?.id !== null);
    const isLeftOut = isQuirk(filterCase) || !isOf06(filterCase) || own !== mode;
    if (isLeftOut || !isAskable || !isCompiled) return [];
    const collection = `${mode}-case-${index}`;
    // Cases without an id are about another field.
    const id = record.id ?? "000000000000000";
    return [{ ...filterCase, collection, event: eventOf(filterCase, collection, id) }];
  });
}

function eventOf(filterCase: FilterCase, name: string, id: unknown): OutsideCase["event"] {
  const { record, schema: fields, hidden, collectionType: type } = filterCase;
  const collection = {
    name,
    ...(fields && { fields }),
    ...(hidden && { hidden }),
    ...(type && { type }),
  };
  return { collection, action: "create", record: { ...record, id } };
}
