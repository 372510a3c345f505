import type { MessageLog } from "../../log/log.ts";
import { type DataLogOptions, openLog } from "../process/data-log.ts";
import { loadSqlite } from "./sqlite.ts";

/**
 * Opens a log in a folder, for an app that mounts the service. Messages, message ids and revocations survive a restart. The
 * folder is created if it is missing. Only one process may use it at a time. The library is `node:sqlite` (Node 22.13 or newer),
 * or else `better-sqlite3` if your project has it.
 *
 * @throws RealtimeError `invalid_config` when there is no SQLite library, and when the folder can't be used: another process uses
 *   it, the file in it is damaged or belongs to another program or to a newer version, or the disk is full or read-only.
 * @example
 * ```ts
 * const realtime = createServer({ log: await openDataLog("./data"), runtime: nodeRuntime });
 * // Closes the log as well:
 * await realtime.close();
 * ```
 */
export async function openDataLog(
  folder: string,
  options: DataLogOptions = {},
): Promise<MessageLog> {
  return openLog(folder, loadSqlite(), options);
}
