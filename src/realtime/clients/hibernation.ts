import { costOfKeys } from "../access/key-cost.ts";
import type { ManagerCore } from "../manager-core.ts";
import { ClientReplay, type ReplayState } from "../replay/client-replay.ts";
import type { FrameSink, Principal, StartPosition } from "../types.ts";

/** What identifies a client, as plain data. Its subscription keys are stored apart: they can be much larger. */
export interface ClientSnapshot extends Principal {
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** When the stream will be closed because its credential has expired, in milliseconds since 1970. */
  readonly closesAt?: number | undefined;
  /** `SubscribeRequest.arrivedAt` of the request that set the subscriptions last. */
  readonly subscribedAt?: number | undefined;
}

/** The state of a client that is not live yet, as plain data. */
export interface ReplayProgress {
  readonly replay?: ReplayState | undefined;
  /** Where the client's first subscriptions will start, when it has none yet. */
  readonly start?: StartPosition | undefined;
  /** Whether the replay waits until the client has taken the page that was sent last. */
  readonly awaitingDrain: boolean;
}

/**
 * For a manager that loses its memory while its streams stay open, as a hibernating Durable Object does: saves clients as
 * plain data and restores them in a new manager.
 */
export interface HibernationSupport {
  /** What must be stored of a client; undefined when no client has the id. */
  snapshotOf(clientId: string): ClientSnapshot | undefined;
  /** What must be stored of a client that is not live; undefined for a live client. Changes with every page of a replay. */
  replayProgressOf(clientId: string): ReplayProgress | undefined;
  /**
   * Adds a client again. The limits on capacity are not checked and the client is not counted as a new connection.
   *
   * @param progress Left out for a client that was live. A client that was waiting for a page stays so until `resumeReplay`.
   * @throws RealtimeError `client_exists` when a connected client has the id.
   */
  restoreClient(
    snapshot: ClientSnapshot,
    subscriptions: readonly string[],
    sink: FrameSink,
    progress?: ReplayProgress,
  ): void;
  /**
   * Continues a client's replay. Must be called when the client has taken everything that was written to its sink, unless
   * the sink calls the function that `FrameSink.onDrain` was given. Does nothing for a live or unknown client.
   */
  resumeReplay(clientId: string): void;
}

/** `hibernationOf` for the parts of a manager. */
export function createHibernationSupport({ clients, replays }: ManagerCore): HibernationSupport {
  return {
    snapshotOf(clientId) {
      const client = clients.get(clientId);
      if (client === undefined) return undefined;
      const { ip, identity, rights, expiresAt, closesAt, connectedAt } = client;
      const subscribedAt = client.subscribedAt || undefined;
      return { clientId, ip, identity, rights, expiresAt, closesAt, connectedAt, subscribedAt };
    },

    replayProgressOf(clientId) {
      const { replay, start, awaitingDrain = false } = clients.get(clientId) ?? {};
      if (replay === undefined && start === undefined && !awaitingDrain) return undefined;
      return { replay: replay?.state, start, awaitingDrain };
    },

    restoreClient(snapshot, subscriptions, sink, { replay, start, awaitingDrain } = LIVE) {
      const { clientId, connectedAt, closesAt, subscribedAt = 0, ...principal } = snapshot;
      const client = clients.add(clientId, sink, principal, connectedAt);
      client.start = start;
      client.awaitingDrain = awaitingDrain;
      client.closesAt = closesAt;
      client.subscribedAt = subscribedAt;
      clients.trackExpiry(client);
      clients.setKeys(client, subscriptions, costOfKeys(subscriptions, client.rights));
      if (replay === undefined) return;
      client.replay = new ClientReplay(clients.index.keysOf(client), replay, client.rights);
    },

    resumeReplay(clientId) {
      const client = clients.get(clientId);
      if (client !== undefined) replays.proceed(client);
    },
  };
}

const LIVE: ReplayProgress = { awaitingDrain: false };
