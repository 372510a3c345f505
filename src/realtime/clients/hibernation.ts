import { costOfKeys } from "../access/key-cost.ts";
import type { ManagerCore } from "../manager-core.ts";
import { ClientReplay } from "../replay/client-replay.ts";
import type { ReplayState } from "../replay/replay-state.ts";
import type { FrameSink, Principal, StartPosition, StreamOptions } from "../types.ts";

/**
 * The principal, the options and the times of a client, as plain data. Subscription keys are stored separately, because they may be
 * large.
 */
export interface ClientSnapshot extends Principal, StreamOptions {
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** When the stream will be closed because its credential has expired, in milliseconds since 1970. */
  readonly closesAt?: number | undefined;
  /** `SubscribeRequest.arrivedAt` of the request that last set the subscriptions. */
  readonly subscribedAt?: number | undefined;
}

/** The state of a client that is not live yet, as plain data. */
export interface ReplayProgress {
  readonly replay?: ReplayState | undefined;
  /** The start position of the client's first subscriptions, if the client has none yet. */
  readonly start?: StartPosition | undefined;
  /** Keys of presence topics for which the client must still be sent the members. Default: none. */
  readonly awaitsMembers?: readonly string[] | undefined;
  /** Whether the replay is paused until `resumeReplay` is called. */
  readonly awaitingDrain: boolean;
}

/**
 * Saves clients as plain data, and restores them in a new manager. A hibernating Durable Object needs this: it loses its
 * memory while its clients' streams stay open.
 */
export interface HibernationSupport {
  /** Returns the data of a client that must be stored. Undefined when no client has the id. */
  snapshotOf(clientId: string): ClientSnapshot | undefined;
  /**
   * Returns the additional data that must be stored for a client that is not live. Undefined for a live or unknown client. The
   * data changes with each page of a replay.
   */
  replayProgressOf(clientId: string): ReplayProgress | undefined;
  /**
   * Adds a client again. The limits on capacity are not checked, and the client does not count as a new connection.
   *
   * @param progress Omit it for a client that was live. A paused replay stays paused until `resumeReplay`.
   * @throws RealtimeError `client_exists` when a connected client has the id.
   */
  restoreClient(
    snapshot: ClientSnapshot,
    subscriptions: readonly string[],
    sink: FrameSink,
    progress?: ReplayProgress,
  ): void;
  /**
   * Continues a client's replay. An adapter with a sink that does not call the `done` function of `FrameSink.onDrain` must
   * call this method instead. Does nothing for a live or unknown client.
   */
  resumeReplay(clientId: string): void;
}

/** Implements `hibernationOf`. */
export function createHibernationSupport({
  clients,
  contents,
  replays,
  presence,
}: ManagerCore): HibernationSupport {
  return {
    snapshotOf(clientId) {
      const client = clients.get(clientId);
      if (client === undefined) return undefined;
      const { ip, identity, info, rights, viewer, expiresAt, closesAt, connectedAt } = client;
      const { auth } = viewer;
      const isAdmin = viewer.isAdmin || undefined;
      const keepsIdentity = client.keepsIdentity || undefined;
      const envelope = client.envelope || undefined;
      const subscribedAt = client.subscribedAt || undefined;
      const principal = { ip, identity, info, rights, auth, isAdmin, keepsIdentity, expiresAt };
      return { ...principal, clientId, envelope, closesAt, connectedAt, subscribedAt };
    },

    replayProgressOf(clientId) {
      const client = clients.get(clientId);
      const { replay, start, awaitingDrain = false } = client ?? {};
      if (replay === undefined && start === undefined && !awaitingDrain) return undefined;
      const waiting = (client && presence?.waitingKeysOf(client)) ?? [];
      const awaitsMembers = waiting.length > 0 ? waiting : undefined;
      return { replay: replay?.state, start, awaitsMembers, awaitingDrain };
    },

    restoreClient(snapshot, subscriptions, sink, progress = LIVE) {
      const { replay, start, awaitsMembers = [], awaitingDrain } = progress;
      const { clientId, connectedAt, closesAt, subscribedAt = 0, ...principal } = snapshot;
      const client = clients.add(clientId, sink, principal, connectedAt);
      client.start = start;
      client.awaitingDrain = awaitingDrain;
      client.closesAt = closesAt;
      client.subscribedAt = subscribedAt;
      clients.trackExpiry(client);
      clients.setKeys(client, subscriptions, costOfKeys(subscriptions, client.rights));
      presence?.tracker.update(client, clients.index.keysOf(client));
      presence?.awaitMembers(client, awaitsMembers);
      if (replay === undefined) return;
      client.replay = new ClientReplay(clients.index.keysOf(client), replay, client, contents);
    },

    resumeReplay(clientId) {
      const client = clients.get(clientId);
      if (client !== undefined) replays.proceed(client);
    },
  };
}

const LIVE: ReplayProgress = { awaitingDrain: false };
