/** Opens the log of a process in a folder. */
import { createLogger } from "../../api/logger.ts";
import { fileTables } from "../../log/file-tables.ts";
import { GroupCommitLog } from "../../log/group-commit-log.ts";
import {
  DEFAULT_DISK_HISTORY,
  type HistoryLimits,
  type LogOptions,
  type MessageLog,
} from "../../log/log.ts";
import { RevocationRows } from "../../log/revocation-rows.ts";
import { SqliteLog } from "../../log/sqlite.ts";
import { type Clocks, monotonicClock } from "../../realtime/clock.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { protectLogger } from "../../realtime/protected-logger.ts";
import type { Logger } from "../../realtime/types.ts";
import { type DataSync, explainErrors, openDataFolder } from "./data-folder.ts";
import type { OpenSqlite } from "./sqlite-database.ts";

/** `SqliteLogOptions.maxDeletes`: about 10 ms of work in one transaction. */
const MAX_DELETES = 500;

/** Options of `openDataLog`. */
export interface DataLogOptions extends LogOptions, Clocks {
  /**
   * What an acknowledged message survives. `normal`: the end of the process, for example by SIGKILL. `full`: also a power
   * failure, and each transaction waits for the disk. Default `normal`.
   */
  readonly sync?: DataSync | undefined;
  /** Bounds on the messages that the log keeps. Default 1,000,000 `messages`, 604,800,000 `maxAge` (seven days), 1 GiB `bytes`. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** Gets an error when messages can't be stored, at most once a minute. Default: lines of JSON with `console.error`. */
  readonly logger?: Logger | undefined;
}

/**
 * Opens the log in a folder.
 *
 * @param open The SQLite library of the runtime.
 * @throws RealtimeError `invalid_config` as `openDataFolder`.
 */
export function openLog(path: string, open: OpenSqlite, options: DataLogOptions = {}): MessageLog {
  const folder = openDataFolder(path, open, checkSync(options.sync));
  const { database } = folder;
  try {
    return explainErrors(path, () => {
      const log = new SqliteLog({
        database,
        file: fileTables,
        maxDeletes: MAX_DELETES,
        rememberedIds: options.rememberedIds,
        topics: options.topics,
        kept: options.kept,
        history: { ...DEFAULT_DISK_HISTORY, ...options.history },
        now: options.now,
      });
      return new GroupCommitLog({
        log,
        revocations: new RevocationRows(database),
        nextTurn: (run) => void setImmediate(run),
        probe: folder.probe,
        overwriting: folder.overwriting,
        release: folder.close,
        logger: protectLogger(
          options.logger ?? createLogger({ level: "warn", write: console.error }),
          monotonicClock(options),
        ),
      });
    });
  } catch (error) {
    folder.close();
    throw error;
  }
}

/** SQLite would take an unknown word for `OFF`. */
function checkSync(sync: unknown = "normal"): DataSync {
  if (sync === "normal" || sync === "full") return sync;
  throw new RealtimeError(
    "invalid_config",
    'The sync of the data folder must be "normal" or "full".',
  );
}
