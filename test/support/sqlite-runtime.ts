import { existsSync } from "node:fs";
import { node22Path } from "../../scripts/node22.mjs";
import { openNodeSqlite } from "../../src/runtimes/node/sqlite.ts";
import { BUN, NODE, type RuntimeUnderTest, runtimeUnderTest } from "./runtimes.ts";

/**
 * The runtime of the Vitest project, on a version that has SQLite: Node 22 of .cache/ where the machine's Node has none.
 * A text says why there is none.
 */
export function runtimeWithSqlite(): RuntimeUnderTest | string {
  const runtime = runtimeUnderTest();
  if (runtime === BUN) return BUN;
  if (openNodeSqlite() !== undefined) return NODE;
  const path = node22Path();
  if (!existsSync(path)) return `Node ${process.version} has no SQLite: run npm run node22 once`;
  return {
    ...NODE,
    name: "Node 22",
    command: (settings) => [path, ...NODE.command(settings).slice(1)],
  };
}
