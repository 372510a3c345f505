import { ExtentRow } from "./extent-row.ts";
import { PatternIndexRows } from "./pattern-index-rows.ts";
import type { FileTables } from "./sqlite-options.ts";

/** The tables that a SQLite log in a file has besides those of a Durable Object. */
export const fileTables: FileTables = {
  openIndex: (database) => new PatternIndexRows(database),
  openExtent: (database) => new ExtentRow(database),
};
