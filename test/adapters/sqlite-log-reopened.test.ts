import fc from "fast-check";
import { describe, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { KeptRun } from "../suites/log/kept-model/run.ts";
import {
  anyReopeningStep,
  anySettings,
  type ReopeningStep,
  type Settings,
} from "../suites/log/kept-model/steps.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SimulatedFailure, SqlJsDatabase } from "../support/sql-js-database.ts";

/** A log that is opened again and again on one database. */
class ReopenedLog {
  readonly #database: SqlJsDatabase;
  readonly #settings: Settings;
  readonly #isFile: boolean;
  readonly #clock = { time: 1_000_000_000_000 };
  readonly #run: KeptRun;

  constructor(database: SqlJsDatabase, settings: Settings, isFile: boolean) {
    this.#database = database;
    this.#settings = settings;
    this.#isFile = isFile;
    const log = this.#open(settings.rules);
    this.#run = new KeptRun(settings, { log, clock: this.#clock });
  }

  async take(step: ReopeningStep): Promise<void> {
    if (step.do === "fail") this.#database.failAfter(step.statements);
    else if (step.do === "reopen") {
      this.#database.heal();
      this.#run.reopened(this.#open(step.rules ?? this.#run.must.rules), step.rules);
    } else {
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
    const options = { history, kept, topics, now, isFile: this.#isFile };
    return new SqliteLog({ ...options, database: this.#database });
  }
}

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("a SQLite log", NO_SQL_JS), () => {
  for (const isFile of [true, false]) {
    const where = isFile ? "in a file" : "as in a Durable Object";
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
          const log = new ReopenedLog(database, settings, isFile);
          for (const step of steps) await log.take(step);
          await log.compare();
          database.close();
        }),
        { numRuns: 100 },
      );
    });
  }
});
