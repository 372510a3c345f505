import { afterEach, describe, expect, it } from "vitest";
import { RealtimeError } from "../../../../src/realtime/errors.ts";
import { openBetterSqlite3, openNodeSqlite } from "../../../../src/runtimes/node/sqlite.ts";

describe("the SQLite library of Node", () => {
  const { emitWarning } = process;
  afterEach(() => {
    process.emitWarning = emitWarning;
  });

  it("is named in an error that says what to do, when there is none", () => {
    const open = () => openBetterSqlite3("/nowhere/index.js");
    expect(open).toThrow(RealtimeError);
    expect(open).toThrow(
      /^REALTIME_DATA needs SQLite, which Node .* does not have\. Use Node 22\.13 or newer, use Bun, or run "npm install better-sqlite3"\.$/,
    );
  });

  it("prints no other warning less than before", () => {
    const warnings: unknown[] = [];
    process.emitWarning = (warning: string | Error) => void warnings.push(warning);
    openNodeSqlite();
    process.emitWarning("another warning");
    expect(warnings).toEqual(["another warning"]);
  });
});
