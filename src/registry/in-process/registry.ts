import { type HistoryPage, type HistoryRequest, readHistory } from "../../log/history.ts";
import type { MessageLog, PublishReceipt } from "../../log/log.ts";
import { epochOf } from "../../realtime/cursor.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { LatencyHistogram } from "../../realtime/latency.ts";
import type { RealtimeManager } from "../../realtime/manager.ts";
import type {
  ClientInfo,
  CloseReason,
  FrameSink,
  Message,
  Principal,
  Revocation,
  SubscribeRequest,
} from "../../realtime/types.ts";
import { applyInitialSubscriptions, assignClientId, type StreamIdentity } from "../connect.ts";
import { ExpiryTimer } from "../expiry-timer.ts";
import { toClientPage, toTopicPage } from "../paging.ts";
import type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import { toRegistryStats } from "../stats.ts";

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
  readonly #latency = new LatencyHistogram();
  readonly #alarm: ExpiryTimer;
  readonly #host: Host = {
    isClosed: () => this.#isClosed,
    attached: () => this.#alarm.schedule(),
  };
  #closing: Promise<void> | undefined;

  constructor({ manager, log }: InProcessOptions) {
    this.#manager = manager;
    this.#log = log;
    this.#stopTail = manager.follow(log);
    this.#alarm = new ExpiryTimer(manager);
  }

  async open(request: ConnectRequest): Promise<ClientConnection> {
    this.#refuseWhenClosed();
    this.#manager.admit(request, request.topics);
    const origin = assignClientId(request, this.#manager, this.#log);
    return new InProcessConnection(this.#manager, request, origin, this.#host);
  }

  async setSubscriptions(clientId: string, request: SubscribeRequest): Promise<void> {
    this.#manager.setSubscriptions(clientId, request);
    this.#alarm.schedule();
  }

  async publish(
    messages: readonly Message[],
    publisher: Principal = {},
  ): Promise<readonly PublishReceipt[]> {
    const start = performance.now();
    for (let room = this.#manager.room(); room !== undefined; room = this.#manager.room())
      await room;
    this.#refuseWhenClosed();
    this.#manager.checkCredential(publisher);
    const since = this.#manager.deliveryNumber;
    const receipts = await this.#log.append(messages);
    // An answer does not wait for the messages of other publishers, which may take seconds.
    const settled = this.#manager.settled(since);
    if (settled !== undefined) await settled;
    // Sinks write when the turn ends, and asked for that before this.
    afterTurn(() => this.#latency.observe(performance.now() - start));
    return receipts;
  }

  async history(request: HistoryRequest, reader: Principal = {}): Promise<HistoryPage> {
    this.#manager.checkCredential(reader);
    return readHistory(this.#log, request, reader.rights);
  }

  send(clientId: string, event: string, data: unknown): Promise<boolean> {
    return this.#manager.sendEvent(clientId, event, data);
  }

  async clients(page?: PageRequest): Promise<ClientPage> {
    return toClientPage(page, (limit, after) => this.#manager.listClients(limit, after));
  }

  async client(clientId: string): Promise<ClientInfo | undefined> {
    return this.#manager.getClient(clientId);
  }

  isFromAnotherProcess(clientId: string): boolean {
    const life = epochOf(clientId);
    return life !== undefined && life !== epochOf(this.#log.cursor());
  }

  async topics(page?: PageRequest): Promise<TopicPage> {
    return toTopicPage(page, (limit, after) => this.#manager.listTopics(limit, after));
  }

  async disconnect(clientId: string): Promise<boolean> {
    return this.#manager.removeClient(clientId, "admin");
  }

  async revoke(revocation: Revocation): Promise<number> {
    return this.#manager.revoke(revocation).disconnected;
  }

  async stats(): Promise<RegistryStats> {
    return toRegistryStats(
      this.#manager.stats(),
      await this.#log.stats(),
      this.#latency,
      this.#startedAt,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** First the log, so that its tail has delivered what was accepted; then the clients. */
  async #close(): Promise<void> {
    await this.#log.close();
    this.#stopTail();
    this.#alarm.stop();
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

/** Not every runtime has `setImmediate`; there time for it is good enough. */
const { setImmediate = setTimeout } = globalThis as {
  readonly setImmediate?: (run: () => void) => unknown;
};
const afterTurn = (run: () => void): void => void setImmediate(run);

/** What a connection asks and tells its registry. */
interface Host {
  readonly isClosed: () => boolean;
  readonly attached: () => void;
}

class InProcessConnection implements ClientConnection {
  readonly clientId: string;
  readonly cursor: string | undefined;
  readonly #manager: RealtimeManager;
  readonly #host: Host;
  /** Until it is attached. */
  #request: ConnectRequest | undefined;
  #closed: CloseReason | undefined;

  constructor(
    manager: RealtimeManager,
    request: ConnectRequest,
    { clientId, cursor }: StreamIdentity,
    host: Host,
  ) {
    this.clientId = clientId;
    this.cursor = cursor;
    this.#manager = manager;
    this.#request = request;
    this.#host = host;
  }

  async attach(sink: FrameSink): Promise<void> {
    // The client may leave, or the server stop, while the handshake is being written.
    const closed = this.#closed ?? (this.#host.isClosed() ? "shutdown" : undefined);
    const request = this.#request;
    this.#request = undefined;
    if (closed !== undefined || request === undefined) {
      sink.close(closed ?? "error");
      return;
    }
    // Its keys as well: other clients may have come since it was opened.
    this.#manager.admit(request, request.topics);
    this.#manager.registerClient(this.clientId, sink, request);
    applyInitialSubscriptions(this.#manager, request, this);
    this.#host.attached();
  }

  resumeCursor(): string | undefined {
    return this.#manager.resumeCursorOf(this.clientId);
  }

  updateActivity(): void {
    this.#manager.updateActivity(this.clientId);
  }

  close(reason: CloseReason): void {
    this.#closed ??= reason;
    this.#manager.removeClient(this.clientId, reason);
  }
}
