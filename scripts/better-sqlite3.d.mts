/** Returns a file from which `require("better-sqlite3")` works. Undefined if the package is not installed yet. */
export function betterSqlite3Base(): string | undefined;
