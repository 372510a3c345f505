/** Evaluates the filters, rules and fields in the tables of docs/records.md. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Collection, compileFilter, pickFields } from "../src/records.ts";

describe("docs/records.md", () => {
  const text = readFileSync(new URL("../docs/records.md", import.meta.url), "utf8");
  const described = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)]
    .map(([, json = ""]): unknown => JSON.parse(json))
    .find((json) => Object.hasOwn(json as object, "collection"));
  // The page's example of a described collection.
  const { collection } = described as { readonly collection: Collection };

  /** The code spans of each cell, for the rows of the tables with this head. */
  const tables = (head: string) =>
    text
      .split("\n\n")
      .filter((block) => block.startsWith(head))
      .flatMap((block) => block.split("\n").slice(2))
      .map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map(codeIn),
      );

  it("says which records each filter matches", () => {
    const rows = tables("| filter | matches | does not match |");
    expect(rows.length).toBeGreaterThan(35);
    for (const [[filter = ""] = [], matching = [], other = []] of rows) {
      const matches = compileFilter(filter, collection);
      for (const record of matching) expect(matches(JSON.parse(record)), filter).toBe(true);
      for (const record of other) expect(matches(JSON.parse(record)), filter).toBe(false);
    }
  });

  it("says what each list of fields keeps of the record above its table", () => {
    const [, json = ""] = /^For the record `(.*)`:$/m.exec(text) ?? [];
    const rows = tables("| `fields` | the page receives |");
    expect(rows.length).toBeGreaterThan(3);
    for (const [[fields = ""] = [], [kept = ""] = []] of rows) {
      expect(pickFields(fields)(JSON.parse(json)), fields).toEqual(JSON.parse(kept));
    }
  });

  it("says whom the rules with a mistake let pass", () => {
    const rows = tables("| rule | also lets pass | write |").slice(0, 2);
    expect(rows).toHaveLength(2);
    for (const [[faulty = ""] = [], , [right = ""] = []] of rows) {
      expect(compileFilter(faulty, {}, "rule")({ author: "" }), faulty).toBe(true);
      expect(compileFilter(right, {}, "rule")({ author: "" }), right).toBe(false);
    }
  });
});

/** The texts of the code spans in a cell. `\\|` stands for a `|` there. */
function codeIn(cell: string): string[] {
  const spans = [...cell.matchAll(/`([^`]*)`/g)];
  return spans.map(([, code = ""]) => code.replaceAll("\\|", "|"));
}
