import { type Flushable, FlushScheduler } from "../../realtime/delivery/flush-scheduler.ts";
import { type FrameBatch, joinFrames } from "../../realtime/delivery/frame-batch.ts";
import type { FrameSink } from "../../realtime/types.ts";
import { closeSocket, PAGE_ACK } from "./protocol.ts";

/** Batches the frames of one call to a hub. Uses a microtask because a timer would prevent hibernation. */
const flushScheduler = new FlushScheduler({ runAtEndOfTurn: (run) => queueMicrotask(run) });

/** Sends a client's frames on a socket to the Worker that has the client's stream. */
export class HubSocketSink implements FrameSink, Flushable {
  /** Always 0: the Worker has the waiting bytes, and disconnects a client that is too slow. */
  readonly bufferedBytes = 0;
  readonly #socket: WebSocket;
  /** Frames for the next flush. They are sent as one message, because each message costs the hub and the Worker CPU time. */
  #pending: FrameBatch | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  write(frame: Uint8Array): boolean {
    if (this.#pending === undefined) flushScheduler.add(this);
    this.#pending = (this.#pending ?? flushScheduler.emptyBatch).append(frame);
    return true;
  }

  /**
   * Asks the Worker for a `PAGE_ACK`. `RealtimeHub.webSocketMessage` continues the replay when the `PAGE_ACK` arrives. The
   * callback of `FrameSink.onDrain` is not used, because the hub may lose its memory before the Worker answers.
   */
  onDrain(): void {
    this.flush();
    this.#send(PAGE_ACK);
  }

  close(reason: string): void {
    this.flush();
    closeSocket(this.#socket, reason);
  }

  flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#send(pending.bytes(joinFrames));
  }

  #send(message: Uint8Array | string): void {
    try {
      this.#socket.send(message);
    } catch {
      // The socket is closed, and the runtime will call `webSocketClose`, which removes the client.
    }
  }
}
