import { createServer } from "node:net";

/**
 * Ports that the kernel assigns to no connection and no server by itself (`net.ipv4.ip_local_port_range` begins at 32,768). Another
 * test's server on port 0 can't take such a port before the program that it is for, or while that program is restarted.
 */
const [FIRST, LAST] = [10_000, 32_767];

let next = FIRST + Math.floor(Math.random() * (LAST - FIRST));

/** Returns a port of 127.0.0.1 that is free, as text. */
export async function freePort() {
  for (;;) {
    const port = next;
    next = next < LAST ? next + 1 : FIRST;
    if (await isFree(port)) return String(port);
  }
}

/** @param {number} port */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
