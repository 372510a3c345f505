import type { RealtimeManager } from "../../realtime/manager.ts";
import type { CloseReason, FrameSink } from "../../realtime/types.ts";
import { applyInitialSubscriptions, type StreamIdentity } from "../connect.ts";
import type { ClientConnection, ConnectRequest } from "../registry.ts";

/** The parts of the registry that a connection uses. */
export interface ConnectionHost {
  readonly manager: RealtimeManager;
  readonly isClosed: () => boolean;
  /** Called after a client was registered. */
  readonly onAttached: () => void;
}

/** A client in this process. `attach` registers the client with the manager. */
export class InProcessConnection implements ClientConnection {
  readonly clientId: string;
  readonly cursor: string | undefined;
  readonly #host: ConnectionHost;
  /** Undefined after `attach`, so that the request can be garbage-collected. */
  #request: ConnectRequest | undefined;
  #closeReason: CloseReason | undefined;

  constructor(host: ConnectionHost, request: ConnectRequest, { clientId, cursor }: StreamIdentity) {
    this.clientId = clientId;
    this.cursor = cursor;
    this.#host = host;
    this.#request = request;
  }

  async attach(sink: FrameSink): Promise<void> {
    const { manager, isClosed, onAttached } = this.#host;
    // The client may disconnect, or the server may stop, while the handshake is being written.
    const reason = this.#closeReason ?? (isClosed() ? "shutdown" : undefined);
    const request = this.#request;
    this.#request = undefined;
    if (reason !== undefined || request === undefined) {
      sink.close(reason ?? "error");
      return;
    }
    // A limit may have been reached since `open`, because other clients were registered.
    manager.admit(request, request.topics);
    manager.registerClient(this.clientId, sink, request);
    applyInitialSubscriptions(manager, request, this);
    onAttached();
  }

  resumeCursor(): string | undefined {
    return this.#host.manager.resumeCursorOf(this.clientId);
  }

  updateActivity(): void {
    this.#host.manager.updateActivity(this.clientId);
  }

  close(reason: CloseReason): void {
    this.#closeReason ??= reason;
    this.#host.manager.removeClient(this.clientId, reason);
  }
}
