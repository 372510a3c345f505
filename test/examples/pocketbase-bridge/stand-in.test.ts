/** The stand-in for PocketBase fails where PocketBase would fail. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Hooks } from "../../support/pocketbase/hooks.ts";

function hooksOf(file: string): Hooks {
  const folder = mkdtempSync(join(tmpdir(), "pb-hooks-"));
  writeFileSync(join(folder, "main.pb.js"), file);
  writeFileSync(join(folder, "count.js"), "let count = 0;\nmodule.exports = () => ++count;\n");
  const hooks = new Hooks(folder, () => ({ __now: () => 0 }));
  hooks.load("main.pb.js");
  return hooks;
}

it("a handler cannot use a constant of its file", () => {
  const hooks = hooksOf("const word = 'x';\nonBootstrap((e) => { e.word = word; });");
  const run = () => hooks.trigger("onBootstrap", {}, () => {});
  expect(run).toThrow("word is not defined");
});

it("a handler loads a module, which keeps nothing between two calls", () => {
  const hooks = hooksOf("onBootstrap((e) => { e.count = require(__hooks + '/count.js')(); });");
  for (const _ of ["first", "second"]) {
    const event = { count: 0 };
    hooks.trigger("onBootstrap", event, () => {});
    expect(event.count).toBe(1);
  }
});

it("a handler that does not call e.next() stops what comes after it", () => {
  const reached: string[] = [];
  const hooks = hooksOf("onBootstrap((e) => { if (e.goesOn) e.next(); });");
  for (const goesOn of [false, true]) {
    hooks.trigger("onBootstrap", { goesOn }, () => reached.push(String(goesOn)));
  }
  expect(reached).toEqual(["true"]);
});
