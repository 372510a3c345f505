import type { CloseReason, FrameSink } from "../../realtime/types.ts";
import type { ClientConnection } from "../registry.ts";
import { type HubStreamIdentity, LIVENESS_PING, PAGE_ACK, toCloseReason } from "./protocol.ts";

/** The Worker's end of a socket to a hub. Nothing is dispatched before `accept`. */
export interface HubSocket {
  binaryType: string;
  accept(): void;
  send(data: string): void;
  close(code: number, reason: string): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { reason: string }) => void): void;
  addEventListener(type: "error", listener: () => void): void;
}

/** Probes that may go unanswered before the hub counts as gone. */
const MOST_UNANSWERED = 2;

/** A client on a hub, by the socket that its frames arrive on. */
export class SocketConnection implements ClientConnection {
  readonly clientId: string;
  readonly cursor: string | undefined;
  readonly shardClients: number | undefined;
  readonly #socket: HubSocket;
  readonly #forget: () => void;
  #sink: FrameSink | undefined;
  #closed: CloseReason | undefined;
  #unanswered = 0;
  #isFinishing = false;

  constructor(
    { clientId, cursor, clients }: HubStreamIdentity,
    socket: HubSocket,
    forget: () => void,
  ) {
    this.clientId = clientId;
    this.cursor = cursor;
    this.shardClients = clients;
    this.#forget = forget;
    this.#socket = socket;
  }

  async attach(sink: FrameSink): Promise<void> {
    this.#sink = sink;
    const socket = this.#socket;
    // Newer runtimes hand out a Blob by default, which can only be read later than what follows it.
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      // What was on its way when the connection ended comes too late.
      if (this.#closed !== undefined) return;
      if (data instanceof ArrayBuffer) {
        if (!sink.write(new Uint8Array(data))) this.close("slow");
      } else if (data === PAGE_ACK) {
        // A turn later: a hub and a Worker that answer each other at once let workerd do nothing else until they end.
        sink.onDrain(() => setTimeout(() => this.#say(PAGE_ACK)));
      } else {
        this.#unanswered = 0;
      }
    });
    socket.addEventListener("close", ({ reason }) => this.close(toCloseReason(reason, "error")));
    socket.addEventListener("error", () => this.close("error"));
    socket.accept();
    if (this.#closed !== undefined) this.#end(this.#closed);
  }

  /** The hub knows, and may be asleep. */
  resumeCursor(): undefined {
    return undefined;
  }

  /** The stream drains; the question left is whether the hub is there. It answers without waking. */
  updateActivity(): void {
    // There is nothing to ask on a socket that is not accepted yet, or closing.
    if (this.#closed !== undefined || this.#sink === undefined || this.#isFinishing) return;
    if (this.#unanswered >= MOST_UNANSWERED) {
      this.close("error");
      return;
    }
    this.#unanswered += 1;
    this.#say(LIVENESS_PING.request);
  }

  close(reason: CloseReason): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#forget();
    this.#end(reason);
  }

  /** Ends it once the hub has answered the close: what the hub sent before is here then. */
  async finish(reason: CloseReason): Promise<void> {
    if (this.#closed !== undefined) return;
    this.#isFinishing = true;
    const answered = new Promise<void>((resolve) => {
      this.#socket.addEventListener("close", () => resolve());
      this.#socket.addEventListener("error", () => resolve());
    });
    closeSocket(this.#socket, reason);
    // Nothing is dispatched before `attach`, not even the answer.
    if (this.#sink !== undefined) await answered;
    this.close(reason);
  }

  #say(text: string): void {
    if (this.#closed !== undefined || this.#isFinishing) return;
    try {
      this.#socket.send(text);
    } catch {
      this.close("error");
    }
  }

  #end(reason: CloseReason): void {
    // Before `attach` the socket has not been accepted, and could not be closed.
    if (this.#sink === undefined) this.#socket.accept();
    closeSocket(this.#socket, reason);
    this.#sink?.close(reason);
  }
}

function closeSocket(socket: HubSocket, reason: CloseReason): void {
  try {
    socket.close(1000, reason);
  } catch {
    // It is closed already.
  }
}
