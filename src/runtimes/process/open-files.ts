/** The process's limit of open files. Each connection is one open file. */
import { readdirSync, readFileSync, statSync } from "node:fs";

const OWN_FILES = "/proc/self/fd";

/** Maximum number of files that are reserved for other uses than connections, such as the log and requests to an issuer. */
const MAX_RESERVE = 64;

/** The limit of open files, and the number of open files. */
export interface OpenFiles {
  readonly limit: number;
  /** Above this number of open files, the server on Node refuses new connections, and the server on Bun refuses new streams. */
  readonly usableLimit: number;
  /** Number of files that are open now. */
  count(): number;
}

/** Reads the limit of open files of this process. Undefined if there is no limit, and on systems without /proc. */
export function readOpenFiles(): OpenFiles | undefined {
  const limit = readLimit();
  if (limit === undefined) return undefined;
  return { limit, usableLimit: limit - reserveOf(limit), count: countOpenFiles };
}

/** Returns the number of reserved files: at most an eighth of the limit, so that a low limit leaves room for connections. */
function reserveOf(limit: number): number {
  return Math.min(MAX_RESERVE, Math.ceil(limit / 8));
}

function readLimit(): number | undefined {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Since Linux 6.2, the size of the directory is the number of its entries. On earlier versions, the size is 0. */
function countOpenFiles(): number {
  return statSync(OWN_FILES).size || readdirSync(OWN_FILES).length;
}

/**
 * Returns the fields of a warning if the limit is too low for the configured number of clients. Undefined if the limit
 * suffices.
 *
 * @param maxClients The configured maximum number of clients. 0 is no limit.
 */
export function describeShortage({ limit }: OpenFiles, maxClients: number) {
  const needed = maxClients + MAX_RESERVE;
  if (maxClients === 0 || limit >= needed) return undefined;
  const hint = `raise the limit to ${needed} (ulimit -n, or LimitNOFILE= in systemd), or lower REALTIME_MAX_CLIENTS`;
  return { limit, maxClients, hint };
}
