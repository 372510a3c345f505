import { node22Path } from "../../scripts/node22.mjs";
import { openNodeSqlite } from "../../src/runtimes/node/sqlite.ts";
import { BUN, NODE, type RuntimeUnderTest } from "../support/service.ts";

/** Node with SQLite: the machine's own, or Node 22 of .cache/ where the machine's Node is older. */
export const NODE_WITH_SQLITE: RuntimeUnderTest =
  openNodeSqlite() === undefined
    ? {
        ...NODE,
        name: "Node 22",
        command: (settings) => [node22Path(), ...NODE.command(settings).slice(1)],
      }
    : NODE;

/** The runtimes on which `REALTIME_DATA` works. */
export const WITH_SQLITE: readonly RuntimeUnderTest[] = [NODE_WITH_SQLITE, BUN];
