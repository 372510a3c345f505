/** The process's limit of open files. Each connection takes one. */
import { readdirSync, readFileSync, statSync } from "node:fs";

const OWN_FILES = "/proc/self/fd";

/** Files that are reserved for other things than connections, such as the log and requests to an issuer. */
const MAX_RESERVE = 64;

/** The limit of open files, and how many are open. */
export interface OpenFiles {
  readonly limit: number;
  /** From this number of open files on, new connections are refused. */
  readonly usableLimit: number;
  /** Number of files that are open now. */
  count(): number;
}

/** This process's limit of open files. Undefined without a limit, and on systems without /proc. */
export function readOpenFiles(): OpenFiles | undefined {
  const limit = readLimit();
  if (limit === undefined) return undefined;
  return { limit, usableLimit: limit - reserveOf(limit), count: countOpenFiles };
}

/** At most an eighth, so that a low limit leaves room for connections. */
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

/** Since Linux 6.2, the size of the directory is the number of its entries. Before, the size is 0. */
function countOpenFiles(): number {
  return statSync(OWN_FILES).size || readdirSync(OWN_FILES).length;
}

/**
 * The fields of a warning when the limit is too low for the configured number of clients; undefined when the limit suffices.
 *
 * @param maxClients The configured number of clients; 0 means no limit.
 */
export function describeShortage({ limit }: OpenFiles, maxClients: number) {
  const needed = maxClients + MAX_RESERVE;
  if (maxClients === 0 || limit >= needed) return undefined;
  const hint = `raise the limit to ${needed} (ulimit -n, or LimitNOFILE= in systemd), or lower REALTIME_MAX_CLIENTS`;
  return { limit, maxClients, hint };
}
