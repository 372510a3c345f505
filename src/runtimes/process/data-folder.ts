/** Opens the folder in which a process keeps its log: checks, locks and configures the SQLite file in it. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import { RealtimeError } from "../../realtime/errors.ts";
import { type OpenSqlite, SqliteDatabase } from "./sqlite-database.ts";
import { problemOf, type SqliteProblem } from "./sqlite-errors.ts";

/** The file with the log. */
export const DATA_FILE = "pocketwire.sqlite";

/**
 * A second SQLite file, whose transaction stays open while the folder is in use. The operating system ends the lock when the
 * process ends in any way. A lock on `DATA_FILE` itself would prevent a backup while the service runs.
 */
const LOCK_FILE = "pocketwire.lock";

/** "Pktw" in ASCII. SQLite keeps this number in the header of the file. */
const APPLICATION_ID = 0x506b_7477;

/** The version of the tables, which SQLite keeps in the header of the file (`user_version`). */
const SCHEMA_VERSION = 1;

/**
 * Deleted messages are overwritten where this costs no further write. The pages of a large message are therefore not overwritten
 * (https://www.sqlite.org/pragma.html#pragma_secure_delete).
 */
const SECURE_DELETE = "PRAGMA secure_delete = FAST";

/**
 * What an acknowledged message survives. `normal`: the end of the process. `full`: also a power failure, at the price of a
 * flush to the disk for each transaction (https://www.sqlite.org/pragma.html#pragma_synchronous).
 */
export type DataSync = "normal" | "full";

/** An open folder. */
export interface DataFolder {
  readonly database: SqliteDatabase;
  /** Writes to the file without changing data. Throws the database's error when the file can't be written. */
  probe(): void;
  /** Runs a transaction. Deleted data is overwritten in the file, even where this costs further writes. */
  overwriting<T>(run: () => T): T;
  /** Moves the write-ahead log into the file, closes the file, and lets another process use the folder. */
  close(): void;
}

/**
 * Opens a folder, and creates it if it is missing. Only the user of the process may read a folder or a file that is created.
 *
 * @throws RealtimeError `invalid_config` when another process uses the folder; when the file is damaged, is of another program,
 *   or was written by a newer version; when the folder or the file can't be written; and when the disk is full.
 */
export function openDataFolder(path: string, open: OpenSqlite, sync: DataSync): DataFolder {
  const folder = resolve(path);
  return explainErrors(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const unlock = lock(folder, open);
    try {
      const database = openFile(folder, open, sync);
      return {
        database,
        probe: () => database.transaction(() => setVersion(database)),
        overwriting: (run) => {
          database.exec("PRAGMA secure_delete = ON");
          try {
            return run();
          } finally {
            database.exec(SECURE_DELETE);
          }
        },
        close: () => {
          database.close();
          unlock();
        },
      };
    } catch (error) {
      unlock();
      throw error;
    }
  });
}

/**
 * Runs a function that opens or reads the files of a folder, and turns their errors into an error for the operator.
 *
 * @throws RealtimeError `invalid_config`.
 */
export function explainErrors<T>(folder: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    const text = ADVICE[problem](JSON.stringify(folder), String(error));
    throw new RealtimeError("invalid_config", text, { cause: error });
  }
}

const ADVICE: Readonly<Record<SqliteProblem, (folder: string, error: string) => string>> = {
  "in use": (folder) =>
    `Another process uses the data folder ${folder}. Stop that process, or set REALTIME_DATA to another folder: each process needs a folder of its own.`,
  "not writable": (folder, error) =>
    `The service can't write to the data folder ${folder} (${error}). The folder and its files must belong to the user that runs the service, on a disk that is not read-only.`,
  damaged: (folder, error) =>
    `The file ${DATA_FILE} in the data folder ${folder} is damaged (${error}). Restore a backup, or move the file away to start with an empty history.`,
  full: (folder) =>
    `The disk of the data folder ${folder} is full. Free some space, then start the service again.`,
  failing: (folder, error) =>
    `The disk of the data folder ${folder} has failed (${error}). Check the disk and its free space.`,
};

function lock(folder: string, open: OpenSqlite): () => void {
  const path = join(folder, LOCK_FILE);
  createFile(path);
  const connection = open(path);
  try {
    connection.exec("PRAGMA busy_timeout = 0");
    connection.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    connection.close();
    if (problemOf(error) !== "damaged") throw error;
    throw new RealtimeError(
      "invalid_config",
      `The file ${LOCK_FILE} in the data folder ${JSON.stringify(folder)} is damaged. Delete this file: it has no data.`,
      { cause: error },
    );
  }
  return () => connection.close();
}

function openFile(folder: string, open: OpenSqlite, sync: DataSync): SqliteDatabase {
  const path = join(folder, DATA_FILE);
  createFile(path);
  const database = new SqliteDatabase(open(path));
  try {
    checkHeader(database, folder);
    configure(database, sync);
    database.transaction(() => {
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      setVersion(database);
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Creates an empty file that only its owner may read. SQLite would create a file that everyone may read. A file that exists is
 * not opened: closing it would end the locks that this process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // The cast: an error of the file system has a code.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** @throws RealtimeError `invalid_config` for a file of another program or of a newer version. */
function checkHeader(database: SqliteDatabase, folder: string): void {
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const file = `The file ${DATA_FILE} in the data folder ${JSON.stringify(folder)}`;
  if (application !== APPLICATION_ID && !(application === 0 && isEmpty(database))) {
    throw new RealtimeError(
      "invalid_config",
      `${file} belongs to another program. Set REALTIME_DATA to another folder.`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new RealtimeError(
      "invalid_config",
      `${file} was written by a newer version of Pocketwire (its schema is ${version}, and this version knows ${SCHEMA_VERSION}). Start the newer version, or restore a backup from before the update.`,
    );
  }
}

/** Reads a number in the header of the file. */
function pragma(database: SqliteDatabase, name: "application_id" | "user_version"): number {
  const [row] = database.all<Record<typeof name, number>>(`PRAGMA ${name}`);
  return row?.[name] ?? 0;
}

function isEmpty(database: SqliteDatabase): boolean {
  return database.all("SELECT 1 FROM sqlite_schema LIMIT 1").length === 0;
}

function configure(database: SqliteDatabase, sync: DataSync): void {
  // Readers, such as a backup, do not wait for the writer, and the writer does not wait for them.
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${sync}`);
  database.exec(SECURE_DELETE);
  // A write waits this long while another program, such as sqlite3, writes to the file. No other work runs meanwhile.
  database.exec("PRAGMA busy_timeout = 1000");
  // After a flood, the write-ahead log shrinks to 64 MiB again.
  database.exec("PRAGMA journal_size_limit = 67108864");
}

/** Writes `user_version`. SQLite writes the first page of the file even if the number does not change, so a probe can use it. */
function setVersion(database: SqliteDatabase): void {
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}
