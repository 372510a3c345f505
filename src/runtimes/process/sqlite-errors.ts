/** Why a SQLite file can't be used, in the words of `node:sqlite`, `better-sqlite3`, `bun:sqlite` and the file system. */

/** The kinds of errors that an operator can act on. */
export type SqliteProblem = "in use" | "not writable" | "damaged" | "full" | "failing";

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const BY_RESULT_CODE: Readonly<Record<number, SqliteProblem>> = {
  3: "not writable", // SQLITE_PERM
  5: "in use", // SQLITE_BUSY
  8: "not writable", // SQLITE_READONLY
  10: "failing", // SQLITE_IOERR
  11: "damaged", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL
  14: "not writable", // SQLITE_CANTOPEN
  26: "damaged", // SQLITE_NOTADB
};

/** Names of result codes, as `better-sqlite3` and `bun:sqlite` report them, and codes of the file system. */
const BY_NAME: readonly (readonly [prefix: string, problem: SqliteProblem])[] = [
  ["SQLITE_PERM", "not writable"],
  ["SQLITE_BUSY", "in use"],
  ["SQLITE_READONLY", "not writable"],
  ["SQLITE_IOERR", "failing"],
  ["SQLITE_CORRUPT", "damaged"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_CANTOPEN", "not writable"],
  ["SQLITE_NOTADB", "damaged"],
  ["EACCES", "not writable"],
  ["EPERM", "not writable"],
  ["EROFS", "not writable"],
  ["EEXIST", "not writable"],
  ["ENOENT", "not writable"],
  ["ENOTDIR", "not writable"],
  ["EISDIR", "not writable"],
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EIO", "failing"],
];

/** Returns the kind of an error of SQLite or of the file system. Undefined for any other error. */
export function problemOf(error: unknown): SqliteProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  // `node:sqlite` sets `errcode`, which may be an extended code: its lowest byte is the primary code.
  const { errcode, code } = error as { readonly errcode?: unknown; readonly code?: unknown };
  if (typeof errcode === "number") return BY_RESULT_CODE[errcode % 256];
  const name = typeof code === "string" ? code : "";
  return BY_NAME.find(([prefix]) => name.startsWith(prefix))?.[1];
}
