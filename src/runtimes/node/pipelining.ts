import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Returns a function that must be called with every request and response. It emits `close` on queued responses when their
 * connection closes.
 *
 * When a client pipelines requests, a response is queued without a socket until the previous response has ended. Node does not
 * emit `close` on a queued response when the connection closes, so its stream would never end.
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
