import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileTables } from "../../src/log/file-tables.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import type { FileTables } from "../../src/log/sqlite-options.ts";
import { KeptRun } from "../suites/log/kept-model/run.ts";
import {
  anyReopeningStep,
  anySettings,
  anyStep,
  type ReopeningStep,
  type Settings,
} from "../suites/log/kept-model/steps.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SimulatedFailure, SqlJsDatabase } from "../support/sql-js-database.ts";

/** A log that is opened again and again on one database. */
class ReopenedLog {
  readonly #database: SqlJsDatabase;
  readonly #settings: Settings;
  readonly #file: FileTables | undefined;
  readonly #clock = { time: 1_000_000_000_000 };
  readonly #run: KeptRun;

  constructor(database: SqlJsDatabase, settings: Settings, file: FileTables | undefined) {
    this.#database = database;
    this.#settings = settings;
    this.#file = file;
    const log = this.#open(settings.rules);
    this.#run = new KeptRun(settings, { log, clock: this.#clock });
  }

  async take(step: ReopeningStep): Promise<void> {
    if (step.do === "fail") this.#database.failAfter(step.statements);
    else if (step.do === "reopen") {
      this.#database.heal();
      this.#run.reopened(this.#open(step.rules ?? this.#run.must.rules), step.rules);
    } else {
      // Reads go on while transactions fail, with messages that should have been trimmed. The model has no such messages.
      if (step.do === "read" || step.do === "stats") this.#database.heal();
      // A failed step has changed nothing, which the next steps show.
      await this.#run.take(step).catch((error) => {
        if (!(error instanceof SimulatedFailure)) throw error;
      });
      this.#database.heal();
    }
  }

  async compare(): Promise<void> {
    this.#database.heal();
    await this.#run.compare();
  }

  #open(topics: Settings["rules"]): SqliteLog {
    const { history, kept } = this.#settings;
    const now = () => this.#clock.time;
    const options = { history, kept, topics, now, file: this.#file };
    return new SqliteLog({ ...options, database: this.#database });
  }
}

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("a SQLite log", NO_SQL_JS), () => {
  for (const file of [fileTables, undefined]) {
    const where = file !== undefined ? "in a file" : "as in a Durable Object";
    it(`${where} has the same messages after it is opened again and after transactions that failed`, async () => {
      const runs = anySettings.chain((settings) =>
        fc.record({
          settings: fc.constant(settings),
          steps: fc.array(anyReopeningStep(settings), { maxLength: 40, size: "max" }),
        }),
      );
      await fc.assert(
        fc.asyncProperty(runs, async ({ settings, steps }) => {
          const database = await SqlJsDatabase.create();
          const log = new ReopenedLog(database, settings, file);
          for (const step of steps) await log.take(step);
          await log.compare();
          database.close();
        }),
        { numRuns: 100 },
      );
    });
  }

  it("that deletes few messages at a time has deleted all others after enough trims", async () => {
    const runs = anySettings.chain((any) => {
      const settings = { ...any, history: { ...any.history, bytes: 1e9 } };
      return fc.record({
        settings: fc.constant(settings),
        steps: fc.array(anyStep(settings), { maxLength: 30, size: "max" }),
        maxDeletes: fc.integer({ min: 1, max: 3 }),
      });
    });
    await fc.assert(
      fc.asyncProperty(runs, async ({ settings, steps, maxDeletes }) => {
        const database = await SqlJsDatabase.create();
        const clock = { time: 1_000_000_000_000 };
        const { history, kept, rules: topics } = settings;
        const options = {
          history,
          kept,
          topics,
          now: () => clock.time,
          file: fileTables,
          maxDeletes,
        };
        const log = new SqliteLog({ ...options, database });
        const run = new KeptRun(settings, { log, clock });
        for (const step of steps) {
          if (step.do === "append" || step.do === "pass") await run.take(step);
        }
        let trims = 0;
        while (log.trim()) trims += 1;
        expect(trims).toBeLessThan(500);
        await run.compare();
        database.close();
      }),
      { numRuns: 60 },
    );
  });
});
