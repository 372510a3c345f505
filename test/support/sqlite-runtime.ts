import { existsSync } from "node:fs";
import { node22Path } from "../../scripts/node22.mjs";
import { openNodeSqlite } from "../../src/runtimes/node/sqlite.ts";
import { BUN, NODE, type RuntimeUnderTest, runtimeUnderTest } from "./runtimes.ts";

/** The path of a Node with SQLite. Undefined if the machine's Node has none, and Node 22 is not in .cache/. */
export function nodeWithSqlite(): string | undefined {
  if (openNodeSqlite() !== undefined) return process.execPath;
  return existsSync(node22Path()) ? node22Path() : undefined;
}

/**
 * The runtime of the Vitest project, on a version that has SQLite: Node 22 of .cache/ where the machine's Node has none.
 * A text says why there is none.
 */
export function runtimeWithSqlite(): RuntimeUnderTest | string {
  const runtime = runtimeUnderTest();
  if (runtime === BUN) return BUN;
  const path = nodeWithSqlite();
  if (path === undefined) return `Node ${process.version} has no SQLite: run npm run node22`;
  if (path === process.execPath) return NODE;
  return {
    ...NODE,
    name: "Node 22",
    command: (settings) => [path, ...NODE.command(settings).slice(1)],
  };
}
