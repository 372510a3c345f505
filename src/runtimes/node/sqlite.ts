import { createRequire } from "node:module";
import { RealtimeError } from "../../realtime/errors.ts";
import type { OpenSqlite, SqliteConnection } from "../process/sqlite-database.ts";

/** The part of `node:sqlite` that is used here. The project has the types of Node 20, which has no such module. */
interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => SqliteConnection;
}

type BetterSqlite3 = new (path: string) => SqliteConnection;

/**
 * Returns the SQLite of this process: `node:sqlite`, or `better-sqlite3` if Node has no SQLite.
 *
 * @throws RealtimeError `invalid_config` when there is neither.
 */
export function loadSqlite(): OpenSqlite {
  return openNodeSqlite() ?? openBetterSqlite3();
}

/** `node:sqlite`. Undefined before Node 22.13, where it is missing or needs a flag. */
export function openNodeSqlite(): OpenSqlite | undefined {
  const module = withoutWarning(() => process.getBuiltinModule?.("node:sqlite"));
  if (module === undefined) return undefined;
  // The cast: the types of Node 20 do not have the module.
  const { DatabaseSync } = module as unknown as NodeSqlite;
  return (path) => new DatabaseSync(path);
}

/**
 * `better-sqlite3`.
 *
 * @param from The file from which the package is searched. Default: this file.
 * @throws RealtimeError `invalid_config` when the package is not installed, or can't be loaded.
 */
export function openBetterSqlite3(from: string = import.meta.url): OpenSqlite {
  try {
    // A static import would fail where the package is not installed.
    const Database: BetterSqlite3 = createRequire(from)("better-sqlite3");
    return (path) => new Database(path);
  } catch (cause) {
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_DATA needs SQLite, which Node ${process.versions.node} does not have. Use Node 22.13 or newer, use Bun, or run "npm install better-sqlite3".`,
      { cause },
    );
  }
}

/** Suppresses the warning of Node 22 and 24 that `node:sqlite` is experimental, and no other warning. */
function withoutWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  // The cast: a function with one signature does not have the type of the overloaded `emitWarning`.
  process.emitWarning = ((warning: string | Error, ...rest: []) => {
    if (String(warning).includes("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
