import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe } from "vitest";
import { betterSqlite3Base } from "../../scripts/better-sqlite3.mjs";
import { openBetterSqlite3, openNodeSqlite } from "../../src/runtimes/node/sqlite.ts";
import type { OpenSqlite } from "../../src/runtimes/process/sqlite-database.ts";

/** A SQLite library of a process: how to open a file with it, or why it is not tested in this process. */
interface SqliteLibrary {
  readonly name: string;
  readonly library: OpenSqlite | string;
}

const isBun = process.versions.bun !== undefined;

function nodeSqlite(): OpenSqlite | string {
  if (isBun) return "on Bun the service uses bun:sqlite";
  return openNodeSqlite() ?? `Node ${process.version} has none, so run npm run test:node22`;
}

function betterSqlite3(): OpenSqlite | string {
  if (isBun || openNodeSqlite() !== undefined) return "this runtime has a SQLite of its own";
  const base = betterSqlite3Base();
  return base === undefined
    ? "it is not installed, so run node scripts/better-sqlite3.mjs"
    : openBetterSqlite3(base);
}

async function bunSqlite(): Promise<OpenSqlite | string> {
  if (!isBun) return "only Bun has it, so run npm run test:bun";
  const { loadSqlite } = await import("../../src/runtimes/bun/sqlite.ts");
  return loadSqlite();
}

export const SQLITE_LIBRARIES: readonly SqliteLibrary[] = [
  { name: "node:sqlite", library: nodeSqlite() },
  { name: "better-sqlite3", library: betterSqlite3() },
  { name: "bun:sqlite", library: await bunSqlite() },
];

/** Declares the same tests for each library. The tests of a library that this process lacks are skipped. */
export function describeLibraries(subject: string, tests: (open: OpenSqlite) => void): void {
  for (const { name, library } of SQLITE_LIBRARIES) {
    if (typeof library === "string") {
      describe.skip(`${subject} with ${name} (skipped: ${library})`, () =>
        tests(() => neverOpened()));
    } else {
      describe(`${subject} with ${name}`, () => tests(library));
    }
  }
}

function neverOpened(): never {
  throw new Error("A skipped test has run.");
}

const folders: string[] = [];

/** Returns the path of a new empty folder, which is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-data-"));
  folders.push(folder);
  return folder;
}

/** Call this in the file of the tests. */
export function removeFoldersAfterEach(): void {
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
}
