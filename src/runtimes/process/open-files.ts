/** How many files the process may have open: each connection is one. */
import { readdirSync, readFileSync, statSync } from "node:fs";

const OWN_FILES = "/proc/self/fd";

/** Most files that are kept for other things than connections: the log, requests of our own. */
const MAX_RESERVE = 64;

/** The limit of open files, and how near the process is. */
export interface OpenFiles {
  readonly limit: number;
  /** Files that may be open before new connections are refused. */
  readonly usableLimit: number;
  /** Files that are open now. */
  count(): number;
}

/** This process's limit of open files. Undefined without a limit, and without /proc (other systems than Linux). */
export function readOpenFiles(): OpenFiles | undefined {
  const limit = readLimit();
  if (limit === undefined) return undefined;
  return { limit, usableLimit: limit - reserveOf(limit), count: countOpenFiles };
}

/** Of a small limit, an eighth. */
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

/** Linux tells the number as the size of the directory from 6.2 on; before, its entries have to be counted. */
function countOpenFiles(): number {
  return statSync(OWN_FILES).size || readdirSync(OWN_FILES).length;
}

/** What an operator is told at the start when `clients` can't be had with the limit; undefined when they can. */
export function describeShortage({ limit }: OpenFiles, clients: number) {
  const needed = clients + MAX_RESERVE;
  if (clients === 0 || limit >= needed) return undefined;
  const hint = `raise the limit to ${needed} (ulimit -n, or LimitNOFILE= in systemd), or lower REALTIME_MAX_CLIENTS`;
  return { limit, maxClients: clients, hint };
}
