import type { AppendOutcome, BatchLog } from "../../src/log/batch-log.ts";
import { GroupCommitLog } from "../../src/log/group-commit-log.ts";
import type { RevocationStore } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeError } from "../../src/realtime/errors.ts";
import type { Message } from "../../src/realtime/types.ts";

/** Stands for a database: a log in memory with transactions that the test can let fail. */
export class FailingDatabase {
  readonly memory = createMemoryLog();
  readonly transactions: string[][] = [];
  /** The functions that wait for a later turn of the event loop. */
  readonly turns: (() => void)[] = [];
  readonly errors: unknown[] = [];
  readonly notes: string[] = [];
  released = 0;
  probes = 0;
  /** What `trim` answers. */
  slices: boolean[] = [];
  deletions = 0;
  error: Error | undefined;
  /** Whether only transactions with a change fail: `trim` and `eraseStep` find nothing to change. */
  hasNothingToDelete = false;
  isDamaged = false;

  open(revocations?: RevocationStore): GroupCommitLog {
    const { memory } = this;
    const log: BatchLog = {
      keepsHistory: memory.keepsHistory,
      appendAll: (batches) => this.#appendAll(batches),
      isOverLimits: () => {
        if (this.isDamaged) throw new Error("database disk image is malformed");
        return false;
      },
      trim: () => {
        if (!this.hasNothingToDelete) this.#check();
        this.deletions += 1;
        return this.slices.shift() ?? false;
      },
      // The casts: the log in memory answers without a promise.
      read: (...all) => memory.read(...all) as ReturnType<BatchLog["read"]>,
      readBack: (...all) => memory.readBack(...all) as ReturnType<BatchLog["readBack"]>,
      stats: () => memory.stats() as ReturnType<BatchLog["stats"]>,
      tail: (listener) => memory.tail(listener),
      hasReached: (cursor) => memory.hasReached(cursor),
      eraseStep: (topic) => {
        if (!this.hasNothingToDelete) this.#check();
        // The cast: the log in memory answers without a promise.
        const erased = memory.erase(topic) as number;
        return { position: 0, until: 0, erased, isDone: true };
      },
      cursor: () => memory.cursor(),
      close: () => void memory.close(),
    };
    return new GroupCommitLog({
      log,
      revocations,
      nextTurn: (run) => this.turns.push(run),
      probe: () => {
        this.probes += 1;
        this.#check();
      },
      release: () => {
        this.released += 1;
      },
      logger: {
        debug() {},
        info: (msg) => this.notes.push(msg),
        warn() {},
        error: (msg, fields) => this.errors.push([msg, fields]),
      },
    });
  }

  turn(): void {
    for (const run of this.turns.splice(0)) run();
  }

  #appendAll(batches: readonly (readonly Message[])[]): readonly AppendOutcome[] {
    this.#check();
    this.transactions.push(batches.map((batch) => batch.map(({ id }) => id).join()));
    return batches.map((batch) => {
      try {
        // The cast: the log in memory answers without a promise.
        return this.memory.append(batch) as AppendOutcome;
      } catch (error) {
        if (error instanceof RealtimeError) return error;
        throw error;
      }
    });
  }

  #check(): void {
    if (this.error !== undefined) throw this.error;
  }
}
