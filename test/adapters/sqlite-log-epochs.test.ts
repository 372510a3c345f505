import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileTables } from "../../src/log/file-tables.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import { idsOf, message } from "../suites/log/context.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SqlJsDatabase } from "../support/sql-js-database.ts";

type Step =
  | { readonly do: "append"; readonly log: number; readonly count: number }
  /** Copies the file of a log, and opens the copy at once or later. */
  | { readonly do: "copy"; readonly log: number }
  | { readonly do: "restart"; readonly log: number }
  /** Opens a copy, which may be older than the log: as a further log, or in place of a log that has lost its file. */
  | { readonly do: "restore"; readonly copy: number; readonly into: number };

const index = fc.nat({ max: 1000 });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      log: index,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("copy" as const), log: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), log: index }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("restore" as const), copy: index, into: index }),
  },
);

interface Opened {
  readonly database: SqlJsDatabase;
  readonly log: SqliteLog;
  readonly ids: readonly string[];
}

/** A copied file that is not open. */
type Copy = Omit<Opened, "log">;

const MOST_LOGS = 3;

/** Logs with files that are copied and restored, and every cursor that one of them ever gave. */
class Files {
  readonly logs: Opened[] = [];
  readonly cursors: { readonly text: string; readonly ids: readonly string[] }[] = [];
  readonly #copies: Copy[] = [];
  #messages = 0;

  constructor(database: SqlJsDatabase) {
    this.#open({ database, ids: [] }, 0);
  }

  take(step: Step): void {
    if (step.do === "restore") {
      const copy = this.#copies[step.copy % this.#copies.length];
      if (copy === undefined) return;
      const database = copy.database.copy();
      const into = step.into % MOST_LOGS;
      this.#open({ ...copy, database }, Math.min(into, this.logs.length));
      return;
    }
    const place = step.log % this.logs.length;
    const opened = this.logs[place];
    if (opened === undefined) return;
    if (step.do === "copy") this.#copies.push({ ...opened, database: opened.database.copy() });
    else if (step.do === "restart") this.#open(opened, place);
    else this.#append(opened, place, step.count);
  }

  #append({ log, database, ids }: Opened, place: number, count: number): void {
    const fresh = Array.from({ length: count }, (_, index) => `m${this.#messages + index + 1}`);
    this.#messages += count;
    log.append(fresh.map((id) => message(id)));
    this.logs[place] = { database, log, ids: [...ids, ...fresh] };
    this.#record(place);
  }

  #open({ database, ids }: Copy, place: number): void {
    this.logs[place] = { database, log: new SqliteLog({ database, file: fileTables }), ids };
    this.#record(place);
  }

  #record(place: number): void {
    const { log, ids } = this.logs[place] ?? {};
    if (log === undefined || ids === undefined) throw new Error(`There is no log ${place}.`);
    const entries = log.read(undefined, 1e6)?.entries ?? [];
    expect(idsOf(entries)).toEqual(ids);
    this.cursors.push({ text: log.cursor(), ids });
    for (const [index, { cursor }] of entries.entries()) {
      this.cursors.push({ text: cursor, ids: ids.slice(0, index + 1) });
    }
  }
}

/** Expects that a cursor is right, or refused. Returns whether the log knows it. */
function expectRight({ log, ids }: Opened, cursor: Files["cursors"][number]): boolean {
  const parsed = parseCursor(cursor.text);
  const isKnown = parsed !== undefined && log.hasReached(parsed);
  const { length } = cursor.ids;
  const isSame = length <= ids.length && cursor.ids.every((id, place) => ids[place] === id);
  if (isKnown && !isSame) expect.fail(`${cursor.text} is accepted, but the messages differ`);
  const after = idsOf(log.read(cursor.text, 1e6)?.entries);
  // A position of one message later is allowed before a read backwards.
  const before = isKnown ? idsOf(log.readBack(cursor.text, 1e6)?.entries) : [];
  expect(after).toEqual(isKnown ? ids.slice(length) : undefined);
  expect(before).toEqual(isKnown ? ids.slice(0, Math.max(length - 1, 0)).toReversed() : []);
  return isKnown;
}

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("SQLite logs in files", NO_SQL_JS), () => {
  it("of which any are restarted, copied and restored read from every cursor rightly or refuse it", async () => {
    let known = 0;
    let refused = 0;
    const property = fc.asyncProperty(
      fc.array(anyStep, { maxLength: 20, size: "max" }),
      async (steps) => {
        const files = new Files(await SqlJsDatabase.create());
        for (const step of steps) files.take(step);
        for (const opened of files.logs) {
          for (const cursor of files.cursors) {
            if (expectRight(opened, cursor)) known += 1;
            else refused += 1;
          }
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
    expect(known).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  });

  it("that are only restarted know all of their cursors", async () => {
    const files = new Files(await SqlJsDatabase.create());
    for (let restarts = 0; restarts < 20; restarts++) {
      files.take({ do: "append", log: 0, count: restarts % 3 });
      files.take({ do: "restart", log: 0 });
    }
    const [opened] = files.logs;
    if (opened === undefined) throw new Error("There is no log.");
    expect(files.cursors.filter((cursor) => !expectRight(opened, cursor))).toEqual([]);
  });
});
