import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Makes the function that every request must be passed to. When a client pipelines requests, a response waits without a
 * socket until the response before it has ended. Node does not emit `close` on a waiting response when the connection
 * closes, so its stream would stay open for ever. The function emits the event.
 */
export function createQueueCloser(): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const queues = new WeakMap<Socket, Set<ServerResponse>>();
  return ({ socket }, outgoing) => {
    if (outgoing.socket !== null) return;
    let queue = queues.get(socket);
    if (queue === undefined) {
      const waiting = new Set<ServerResponse>();
      socket.once("close", () => {
        for (const response of waiting) response.emit("close");
      });
      queues.set(socket, waiting);
      queue = waiting;
    }
    queue.add(outgoing);
    outgoing.once("socket", () => queues.get(socket)?.delete(outgoing));
  };
}
