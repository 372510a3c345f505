import { Admission } from "./access/admission.ts";
import type { Client } from "./clients/client.ts";
import { ClientStore } from "./clients/client-store.ts";
import { monotonicClock } from "./clock.ts";
import { canStillReceive } from "./close-reason.ts";
import { DeliveryScheduler } from "./delivery/delivery-scheduler.ts";
import { DEFAULT_AUTH_GRACE, type ManagerOptions } from "./manager-options.ts";
import { Presence, type PresenceOptions } from "./presence/presence-core.ts";
import { protectLogger } from "./protected-logger.ts";
import { MessageContents } from "./records/message-contents.ts";
import { ReplayCoordinator } from "./replay/coordinator.ts";
import { ResumeCursors } from "./replay/resume-cursors.ts";
import { formatSSEMessage } from "./sse.ts";
import type { Tracing } from "./tracing-port.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  type LogEntry,
  type Logger,
  type ManagerStats,
} from "./types.ts";
import type { Milliseconds } from "./units.ts";

const encoder = new TextEncoder();

/** The parts of one manager, and the operations that several parts need: send to a client, remove a client, close. */
export class ManagerCore {
  readonly clients: ClientStore;
  readonly admission: Admission;
  readonly deliveries: DeliveryScheduler<Client>;
  readonly replays: ReplayCoordinator<Client>;
  readonly cursors: ResumeCursors = new ResumeCursors();
  readonly contents: MessageContents;
  /** Undefined without `ManagerOptions.presence`. */
  readonly presence: Presence | undefined;
  readonly logger: Logger | undefined;
  /** The wall clock: milliseconds since 1970. */
  readonly now: () => number;
  readonly checkAddress: boolean;
  readonly authGrace: Milliseconds;
  /** Whether a client keeps its subscriptions after its credential has expired (`ManagerOptions.anonymous`). */
  readonly guestsMaySubscribe: boolean;
  readonly #tracing: Tracing | undefined;
  /** Number of clients that have connected since the manager was created. */
  connects = 0;
  #delivered = 0;
  // The cast restores the type of the property names, which Object.fromEntries loses.
  readonly #disconnects = Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<
    CloseReason,
    number
  >;
  /** Set while `close` waits for unfinished deliveries and for clients with a replay. */
  #closing: { readonly reason: CloseReason; readonly resolve: () => void } | undefined;

  /** @param sliceCost As for `DeliveryScheduler`. */
  constructor(options: ManagerOptions, sliceCost: number | undefined) {
    this.logger = options.logger && protectLogger(options.logger, monotonicClock(options));
    this.#tracing = options.tracing;
    this.now = options.now ?? Date.now;
    this.checkAddress = options.checkAddress ?? true;
    this.authGrace = options.authGrace ?? DEFAULT_AUTH_GRACE;
    this.guestsMaySubscribe = options.anonymous !== "none";
    this.admission = new Admission(options, this.logger, this.now);
    this.clients = new ClientStore(this.admission);
    this.contents = new MessageContents(options.rules, this.logger);
    const { clients, contents } = this;
    this.deliveries = new DeliveryScheduler(
      { index: clients.index, contents, write: this.#writeDelivery },
      sliceCost,
    );
    this.replays = new ReplayCoordinator({
      contents,
      logger: this.logger,
      cursors: this.cursors,
      isConnected: (client) => this.clients.has(client),
      remove: (client, reason) => this.removeClient(client.clientId, reason),
      onLive: (client) => this.#onLive(client),
    });
    this.presence = options.presence && this.#createPresence(options.presence);
  }

  #createPresence(options: PresenceOptions): Presence {
    const { clients, contents, cursors } = this;
    return new Presence(options, {
      contents,
      logger: this.logger,
      now: this.now,
      liveCursor: () => cursors.liveCursor,
      isConnected: (client) => clients.has(client),
      keysOf: (client) => clients.index.keysOf(client),
      send: (client, event, data) => this.sendEvent(client.clientId, event, data),
    });
  }

  /** Delivers entries of the log, and advances the live cursor with each. */
  deliver(entries: readonly LogEntry[]): void {
    if (this.#tracing === undefined) {
      this.deliveries.deliver(entries, this.#advanceCursor);
      return;
    }
    this.#tracing.deliver(
      entries.map(({ message }) => message),
      () => this.deliveries.deliver(entries, this.#advanceCursor),
    );
  }

  /** `RealtimeManager.removeClient`. */
  removeClient(clientId: string, reason: CloseReason): boolean {
    const client = this.clients.get(clientId);
    if (client === undefined) return false;
    if (canStillReceive(reason)) this.deliveries.settle(client);
    // `settle` removes a client that is too slow.
    if (!this.clients.delete(client)) return true;
    this.presence?.remove(client);
    // Read first: a closed sink has no waiting bytes.
    const { bufferedBytes } = client.sink;
    this.#disconnects[reason] += 1;
    client.sink.close(reason);
    const isFailure = reason === "slow" || reason === "stale" || reason === "error";
    this.logger?.[isFailure ? "warn" : "debug"]("client disconnected", {
      clientId,
      reason,
      ip: client.ip,
      bufferedBytes,
      // The wall clock may have been set back while the client was connected.
      connectedSeconds: Math.max(Math.round((this.now() - client.connectedAt) / 1000), 0),
    });
    this.#resolveCloseWhenEmpty();
    return true;
  }

  /** `RealtimeManager.sendEvent`, without the promise. */
  sendEvent(clientId: string, event: string, data: unknown): boolean {
    return this.send(clientId, (client) =>
      formatSSEMessage({ event, data: data ?? null, id: this.cursors.createEventId(client) }),
    );
  }

  /** Writes to one client what `format` returns. False when the client is unknown or too slow. */
  send(clientId: string, format: (client: Client) => string): boolean {
    const client = this.clients.get(clientId);
    if (client === undefined) return false;
    // Messages of earlier deliveries must reach the client before this event.
    this.deliveries.settle(client);
    if (!this.clients.has(client)) return false;
    if (client.sink.write(encoder.encode(format(client)))) return true;
    this.removeClient(clientId, "slow");
    return false;
  }

  /** `RealtimeManager.updateActivity`. */
  updateActivity(clientId: string): boolean {
    const client = this.clients.get(clientId);
    if (client === undefined) return false;
    client.lastActivityAt = this.now();
    return true;
  }

  /** `RealtimeManager.resumeCursorOf`. */
  resumeCursorOf(clientId: string): string | undefined {
    const client = this.clients.get(clientId);
    if (client === undefined) return undefined;
    this.deliveries.settle(client);
    return this.replays.resumeCursorOf(client);
  }

  /** `RealtimeManager.expiresIn`. */
  get expiresIn(): Milliseconds | undefined {
    const { nextExpiry = Number.POSITIVE_INFINITY } = this.clients;
    const next = Math.min(nextExpiry, this.presence?.nextDue ?? nextExpiry);
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(next - this.now(), 0);
  }

  /** `RealtimeManager.stats`. */
  stats(): ManagerStats {
    const { replayed, recovered, unrecovered } = this.replays.stats;
    return {
      clients: this.clients.size,
      subscriptions: this.clients.index.size,
      topics: this.clients.index.topics,
      keyBudget: this.admission.keyStats,
      queuedBytes: this.clients.bufferedBytes,
      connects: this.connects,
      delivered: this.#delivered + replayed,
      replayed,
      recovered,
      unrecovered,
      disconnects: { ...this.#disconnects },
    };
  }

  /** `RealtimeManager.close`. */
  close(reason: CloseReason): Promise<void> {
    return new Promise((resolve) => {
      const earlier = this.#closing?.resolve;
      this.#closing = {
        reason,
        resolve: () => {
          earlier?.();
          resolve();
        },
      };
      const settled = this.deliveries.settled();
      if (settled === undefined) this.#removeLiveClients(reason);
      else void settled.then(() => this.#removeLiveClients(reason));
    });
  }

  #removeLiveClients(reason: CloseReason): void {
    for (const client of this.clients.values()) {
      if (client.replay === undefined) this.removeClient(client.clientId, reason);
    }
    this.#resolveCloseWhenEmpty();
  }

  #resolveCloseWhenEmpty(): void {
    if (this.clients.size > 0 || this.#closing === undefined) return;
    const { resolve } = this.#closing;
    this.#closing = undefined;
    resolve();
  }

  #onLive(client: Client): void {
    this.deliveries.startLive(client);
    this.presence?.onLive(client);
    if (this.#closing !== undefined) this.removeClient(client.clientId, this.#closing.reason);
  }

  readonly #writeDelivery = (client: Client, frame: Uint8Array): boolean => {
    if (client.sink.write(frame)) {
      this.#delivered += 1;
      return true;
    }
    this.removeClient(client.clientId, "slow");
    return false;
  };

  readonly #advanceCursor = (entry: LogEntry): string => {
    const before = this.cursors.liveCursor;
    this.cursors.liveCursor = entry.cursor;
    return before;
  };
}
