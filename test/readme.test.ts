import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readConfig } from "../src/config/config.ts";
import { VARIABLES } from "../src/config/variables.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| (?:`([^`]*)`)? *\|/gm)];

it("the README's table lists every variable, and no other", () => {
  const listed = rows.map(([, name]) => name);
  // NODE_ENV is read by the entries themselves.
  expect(listed.toSorted()).toEqual([...VARIABLES, "NODE_ENV"].toSorted());
});

it("the README's defaults are the defaults", () => {
  const defaults = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  expect(readConfig(defaults)).toEqual(readConfig({}));
});
