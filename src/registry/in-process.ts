import { type HistoryPage, type HistoryRequest, readHistory } from "../log/history.ts";
import type { MessageLog } from "../log/log.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { RealtimeManager } from "../realtime/manager.ts";
import type { CloseReason, FrameSink, Message, SubscribeRequest } from "../realtime/types.ts";
import { type Origin, originOf, subscribeFirst } from "./origin.ts";
import {
  type ClientConnection,
  type ClientPage,
  type ClientRegistry,
  type ConnectRequest,
  type PageRequest,
  type PublishReceipt,
  pageOf,
  type RegistryStats,
} from "./registry.ts";

/** What the in-process registry is made of. It takes them over: `close` closes both. */
export interface InProcessOptions {
  readonly manager: RealtimeManager;
  readonly log: MessageLog;
}

/** Clients, log and delivery in this process: Node, Bun, Deno. */
export function createInProcessRegistry(options: InProcessOptions): ClientRegistry {
  return new InProcessRegistry(options);
}

class InProcessRegistry implements ClientRegistry {
  readonly #manager: RealtimeManager;
  readonly #log: MessageLog;
  readonly #stopTail: () => void;
  readonly #startedAt = new Date().toISOString();
  #closing: Promise<void> | undefined;

  constructor({ manager, log }: InProcessOptions) {
    this.#manager = manager;
    this.#log = log;
    this.#stopTail = manager.follow(log);
  }

  async open(request: ConnectRequest): Promise<ClientConnection> {
    this.#refuseWhenClosed();
    const origin = originOf(request, this.#manager, this.#log);
    return new InProcessConnection(this.#manager, request, origin, () => this.#isClosed);
  }

  async setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void> {
    this.#manager.setSubscriptions(clientId, request);
  }

  async publish(messages: readonly Message[]): Promise<readonly PublishReceipt[]> {
    this.#refuseWhenClosed();
    return this.#log.append(messages);
  }

  history(request: HistoryRequest): Promise<HistoryPage> {
    return readHistory(this.#log, request);
  }

  send(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#manager.sendEvent(clientId, event, data);
  }

  async clients(page?: PageRequest): Promise<ClientPage> {
    return pageOf(page, (limit, after) => this.#manager.listClients(limit, after));
  }

  async disconnect(clientId: string): Promise<boolean> {
    return this.#manager.removeClient(clientId, "admin");
  }

  async stats(): Promise<RegistryStats> {
    const { accepted, duplicate } = await this.#log.stats();
    return { ...this.#manager.stats(), startedAt: this.#startedAt, accepted, duplicate };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** First the log, so that its tail has delivered what was accepted; then the clients. */
  async #close(): Promise<void> {
    await this.#log.close();
    this.#stopTail();
    await this.#manager.close("shutdown");
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined;
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed)
      throw new RealtimeError("closed", "The server is stopping. Try again soon.");
  }
}

class InProcessConnection implements ClientConnection {
  readonly clientId: string;
  readonly cursor: string | undefined;
  readonly #manager: RealtimeManager;
  readonly #request: ConnectRequest;
  readonly #registryClosed: () => boolean;
  #closed: CloseReason | undefined;

  constructor(
    manager: RealtimeManager,
    request: ConnectRequest,
    { clientId, cursor }: Origin,
    registryClosed: () => boolean,
  ) {
    this.clientId = clientId;
    this.cursor = cursor;
    this.#manager = manager;
    this.#request = request;
    this.#registryClosed = registryClosed;
  }

  async attach(sink: FrameSink): Promise<void> {
    // The client may leave, or the server stop, while the handshake is being written.
    const closed = this.#closed ?? (this.#registryClosed() ? "shutdown" : undefined);
    if (closed !== undefined) {
      sink.close(closed);
      return;
    }
    this.#manager.registerClient(this.clientId, sink, this.#request);
    subscribeFirst(this.#manager, this.#request, this);
  }

  place(): string | undefined {
    return this.#manager.placeOfClient(this.clientId);
  }

  updateActivity(): void {
    this.#manager.updateActivity(this.clientId);
  }

  close(reason: CloseReason): void {
    this.#closed ??= reason;
    this.#manager.removeClient(this.clientId, reason);
  }
}
