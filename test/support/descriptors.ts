/** Open files and connections of a process on the same machine, read from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Why tests that count descriptors are left out elsewhere; undefined on Linux. */
export const NO_DESCRIPTORS: string | undefined =
  process.platform === "linux" ? undefined : "only Linux has /proc";

/** Number of file descriptors that a process has open. */
export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Bytes of a process in the machine's memory (RSS). */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

/** Kernel's number of the state LISTEN in /proc/net/tcp. */
const LISTEN = "0A";

/**
 * Client ports of the connections that a process has open at a server's port. A closed connection with bytes that only the kernel
 * still buffers has no inode and does not count.
 */
export function openConnections(serverPort: number): Set<number> {
  const ports = new Set<number>();
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1)) {
    const [, local = "", remote = "", state, , , , , , inode] = line.trim().split(/\s+/);
    if (portOf(local) !== serverPort || state === LISTEN || inode === "0") continue;
    ports.add(portOf(remote));
  }
  return ports;
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1] ?? "", 16);
}
