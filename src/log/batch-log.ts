import { RealtimeError } from "../realtime/errors.ts";
import type { BatchLog } from "./group-commit-log.ts";
import type { SqliteLog } from "./sqlite.ts";

/** A stand-in until `SqliteLog` has these methods itself: each batch has a transaction of its own. */
export function toBatchLog(log: SqliteLog): BatchLog {
  return {
    keepsHistory: log.keepsHistory,
    appendAll: (batches) =>
      batches.map((messages) => {
        try {
          return log.append(messages);
        } catch (error) {
          if (error instanceof RealtimeError) return error;
          throw error;
        }
      }),
    deleteExpired: () => {
      log.trim();
      return false;
    },
    tail: (listener) => log.tail(listener),
    cursor: () => log.cursor(),
    read: (...all) => log.read(...all),
    readBack: (...all) => log.readBack(...all),
    stats: () => log.stats(),
    close: () => log.close(),
  };
}
