import type { CloseReason, FrameSink } from "../../realtime/types.ts";
import type { ClientConnection } from "../registry.ts";
import {
  closeSocket,
  type HubSocket,
  type HubStreamIdentity,
  LIVENESS_PING,
  PAGE_ACK,
  toCloseReason,
} from "./protocol.ts";

/** Number of unanswered liveness pings after which the connection ends. */
const MAX_UNANSWERED_PINGS = 2;

/**
 * The Worker's side of a client on a hub. Receives the client's frames from the hub on a socket, and writes them to the
 * sink.
 */
export class HubConnection implements ClientConnection {
  readonly clientId: string;
  readonly cursor: string | undefined;
  readonly shardClients: number | undefined;
  readonly #socket: HubSocket;
  readonly #onClosed: (reason: CloseReason) => void;
  /** Undefined until `attach`. */
  #sink: FrameSink | undefined;
  #closeReason: CloseReason | undefined;
  #unansweredPings = 0;
  #isFinishing = false;

  /** @param onClosed Called once, when the connection ends. The reason is "error" if the hub has failed. */
  constructor(
    { clientId, cursor, clients }: HubStreamIdentity,
    socket: HubSocket,
    onClosed: (reason: CloseReason) => void,
  ) {
    this.clientId = clientId;
    this.cursor = cursor;
    this.shardClients = clients;
    this.#onClosed = onClosed;
    this.#socket = socket;
  }

  async attach(sink: FrameSink): Promise<void> {
    this.#sink = sink;
    const socket = this.#socket;
    // With newer compatibility dates, the default is a Blob. A Blob is read asynchronously, so a later message could be
    // written first.
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#onMessage(data, sink));
    socket.addEventListener("close", ({ reason }) => this.close(toCloseReason(reason, "error")));
    socket.addEventListener("error", () => this.close("error"));
    socket.accept();
    if (this.#closeReason !== undefined) this.#end(this.#closeReason);
  }

  /** Only the hub knows the position, and a call would wake the hub. */
  resumeCursor(): undefined {
    return undefined;
  }

  /**
   * Sends a liveness ping. For the hub, the ping is the client's last activity. Unanswered pings show that the hub has
   * failed.
   */
  updateActivity(): void {
    // A socket can't send before it is accepted, or while it is closing.
    if (this.#closeReason !== undefined || this.#sink === undefined || this.#isFinishing) return;
    if (this.#unansweredPings >= MAX_UNANSWERED_PINGS) {
      this.close("error");
      return;
    }
    this.#unansweredPings += 1;
    this.#send(LIVENESS_PING.request);
  }

  close(reason: CloseReason): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#onClosed(reason);
    this.#end(reason);
  }

  /** Closes the socket, and waits until the hub has closed it as well. Frames that the hub sent before reach the sink. */
  async finish(reason: CloseReason): Promise<void> {
    if (this.#closeReason !== undefined) return;
    this.#isFinishing = true;
    const closed = new Promise<void>((resolve) => {
      this.#socket.addEventListener("close", () => resolve());
      this.#socket.addEventListener("error", () => resolve());
    });
    closeSocket(this.#socket, reason);
    // Before `attach`, the runtime does not dispatch the close event.
    if (this.#sink !== undefined) await closed;
    this.close(reason);
  }

  #onMessage(data: unknown, sink: FrameSink): void {
    // Messages that the hub sent before it received the close still arrive.
    if (this.#closeReason !== undefined) return;
    if (data instanceof ArrayBuffer) {
      if (!sink.write(new Uint8Array(data))) this.close("slow");
    } else if (data === PAGE_ACK) {
      // The timer lets workerd run other work. Without it, workerd runs only the hub and this Worker until the replay ends.
      sink.onDrain(() => setTimeout(() => this.#send(PAGE_ACK)));
    } else {
      this.#unansweredPings = 0;
    }
  }

  #send(text: string): void {
    if (this.#closeReason !== undefined || this.#isFinishing) return;
    try {
      this.#socket.send(text);
    } catch {
      this.close("error");
    }
  }

  #end(reason: CloseReason): void {
    // A socket must be accepted before it can be closed.
    if (this.#sink === undefined) this.#socket.accept();
    closeSocket(this.#socket, reason);
    this.#sink?.close(reason);
  }
}
